"""A folder of stack files, each recorded; what one asks of another comes from the other's record."""

import json
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, fields
from functools import cache
from pathlib import Path
from typing import Any

import yaml
from google.protobuf import struct_pb2
from pulumi import RunError

from infra import outputs
from infra.fleet import stack_file
from infra.settings import ConfigError, Source, read_file
from infra.settings.loading import needed_secrets
from infra.settings.problems import NAMESPACE
from infra.synth.model import Stack
from infra.synth.monitor import Exports, SynthError
from infra.synth.program import PROJECT, Program, Run, run_program
from infra.synth.properties import holds_secret, is_unknown, unsecret
from infra.synth.recording import Recorder
from infra.synth.symbols import symbol

PLAIN_KEY = b"moltghost"
"""The key where nothing hashed is a secret: no setting's value was given, and the files' are encrypted."""

ORDER = ("global", "region", "tenant")
"""The kinds that make up a fleet, in the order they are deployed in."""

_OUTPUTS = {
    "dev": outputs.DevOutputs,
    "global": outputs.GlobalOutputs,
    "region": outputs.RegionOutputs,
    "tenant": outputs.CustomerOutputs,
}
Secrets = Mapping[str, Mapping[str, str]]
"""Values of encrypted settings: by stack, then by the setting's name without its namespace."""


class _MissingError(Exception):
    """The program asked for a stack that has not been recorded yet."""

    def __init__(self, stack: str) -> None:
        super().__init__(stack)
        self.stack = stack


@dataclass
class Fleet:
    """Records the stacks of a folder, each once, in one process.

    `files` are read for some stacks instead of those in the folder. `key` is what secrets are hashed with: give the
    same one to records that are to be compared, and a fresh one where `secrets` holds any.
    """

    folder: Path = PROJECT
    key: bytes = PLAIN_KEY
    secrets: Secrets = field(default_factory=dict)
    files: Mapping[str, Path] = field(default_factory=dict)
    _done: dict[str, tuple[Stack, Exports]] = field(default_factory=dict, repr=False)
    _sources: dict[str, Source] = field(default_factory=dict, repr=False)

    def stack(self, name: str) -> Stack:
        """One stack's record. Raises SynthError, which names the stack, if its program cannot be run."""
        return self._made(name)[0]

    def _made(self, name: str) -> tuple[Stack, Exports]:
        while name not in self._done:
            try:
                self._done[name] = self._record(name)
            except _MissingError as missing:
                wanted = missing.stack
            else:
                break
            self._made(wanted)
        return self._done[name]

    def _record(self, name: str) -> tuple[Stack, Exports]:
        source = self._source(name)
        program, withheld = self._program(name, source)

        def exported(reference: str) -> Exports:
            other = reference.rpartition("/")[2]
            if not self._file(other).exists():
                raise SynthError(f"it asks for what {reference} exports, and there is no {self._file(other).name}")
            asked = self._source(other)
            # What is deployed later is asked for once it is there: until then there are only names of what it will say.
            if _rank(asked) >= _rank(source):
                return _expected(other, asked)
            if other not in self._done:
                raise _MissingError(other)
            return self._done[other][1]

        known, named = (_run(program, exported, symbolic=symbolic) for symbolic in (False, True))
        kind = str(source.values["kind"])
        return Recorder(name, kind, self.key, withheld).record(known, named), _exports(name, named)

    def _source(self, name: str) -> Source:
        """A stack's file, read once: each customer's program asks for those of all its regions."""
        if name not in self._sources:
            try:
                self._sources[name] = read_file(self._file(name))
            except ConfigError as error:
                raise SynthError(str(error)) from None
        return self._sources[name]

    def _file(self, name: str) -> Path:
        return self.files.get(name, stack_file(self.folder, name))

    def _program(self, name: str, source: Source) -> tuple[Program, dict[str, str]]:
        """The program, and how each secret it is not given stands in the file."""
        config = yaml.safe_load(self._file(name).read_text())["config"]
        given = {f"{NAMESPACE}:{key}": value for key, value in self.secrets.get(name, {}).items()}
        encrypted = {f"{NAMESPACE}:{key}" for key in source.encrypted | needed_secrets(source)} | given.keys()
        plain = {key: _text(value) for key, value in config.items() if key not in encrypted}
        withheld = {key: f"{key}={json.dumps(config.get(key))}" for key in encrypted - given.keys()}
        return Program(
            name=name, project=_project(), config={**plain, **given}, encrypted=frozenset(encrypted)
        ), withheld


def _rank(source: Source) -> int:
    """When a stack is deployed, as against others; one of no kind comes first, and says what is wrong with it."""
    kind = source.values.get("kind")
    return ORDER.index(kind) if kind in ORDER else -1


def fleet_stacks(folder: Path) -> list[str]:
    """The names of a folder's stacks, those others ask first; not those of kind dev, which need a machine."""
    kinds: dict[str, str] = {}
    for file in folder.glob("Pulumi.*.yaml"):
        document = yaml.safe_load(file.read_text())
        kinds[file.name.removeprefix("Pulumi.").removesuffix(".yaml")] = str(_kind_in(document))
    return sorted(
        (name for name, kind in kinds.items() if kind != "dev"),
        key=lambda name: (ORDER.index(kinds[name]) if kinds[name] in ORDER else len(ORDER), name),
    )


def synth(fleet: Fleet, stacks: Iterable[str]) -> dict[str, Stack]:
    """Several stacks' records, in the order asked for. Raises SynthError with what is wrong with each that fails."""
    made: dict[str, Stack] = {}
    errors: list[str] = []
    for name in stacks:
        try:
            made[name] = fleet.stack(name)
        except SynthError as error:
            errors.append(f"{name}: {error}")
    if errors:
        raise SynthError("\n".join(errors))
    return made


def _run(program: Program, exported: Callable[[str], Exports], *, symbolic: bool) -> Run:
    try:
        return run_program(program, exported, symbolic=symbolic)
    except RunError as error:
        raise SynthError(str(error)) from None


def _kind_in(document: Any) -> object:
    config = document.get("config") if isinstance(document, dict) else None
    return config.get(f"{NAMESPACE}:kind") if isinstance(config, dict) else None


@cache
def _project() -> str:
    return str(yaml.safe_load((PROJECT / "Pulumi.yaml").read_text())["name"])


def _text(value: Any) -> str:
    """A setting as the engine hands it to the program."""
    return value if isinstance(value, str) else json.dumps(value)


def _exports(name: str, run: Run) -> Exports:
    """What other stacks are told: text for what has a name, and a name for what has none yet."""
    told = struct_pb2.Struct()
    secret = [each for each, value in run.outputs.items() if holds_secret(value)]
    for each, value in run.outputs.items():
        told.fields[each].CopyFrom(_told(value, name, each))
    return Exports(told, tuple(sorted(secret)))


def _told(value: struct_pb2.Value, stack: str, place: str) -> struct_pb2.Value:
    inner = unsecret(value)
    if inner is not None:
        return _told(inner, stack, place)
    if is_unknown(value):
        return struct_pb2.Value(string_value=symbol(f"stack:{stack}", place))
    made = struct_pb2.Value()
    match value.WhichOneof("kind"):
        case "struct_value":
            made.struct_value.SetInParent()
            for name, each in value.struct_value.fields.items():
                made.struct_value.fields[name].CopyFrom(_told(each, stack, f"{place}.{name}"))
        case "list_value":
            made.list_value.SetInParent()
            for at, each in enumerate(value.list_value.values):
                made.list_value.values.add().CopyFrom(_told(each, stack, f"{place}.{at}"))
        case _:
            made.CopyFrom(value)
    return made


def _expected(name: str, source: Source) -> Exports:
    """What a stack of its kind exports, by name alone."""
    told = struct_pb2.Struct()
    for each in fields(_OUTPUTS[str(source.values["kind"])]):
        told.fields[each.name].string_value = symbol(f"stack:{name}", each.name)
    return Exports(told)
