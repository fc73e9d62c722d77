"""Runs the program of infra/__main__.py in this process, with a monitor in the engine's place."""

import asyncio
import gc
import json
import os
import runpy
import selectors
import warnings
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager, suppress
from contextvars import copy_context
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

import pulumi
from google.protobuf import struct_pb2
from pulumi import _types, output
from pulumi.resource import DependencyResource
from pulumi.runtime import resource as registering
from pulumi.runtime import rpc, settings
from pulumi.runtime import stack as runtime
from pulumi.runtime.proto import source_pb2

from infra.synth.monitor import URN_PROPERTY, Engine, Exports, Monitor, SynthError
from infra.synth.symbols import holds_symbol, symbol

PROJECT = Path(__file__).resolve().parents[2]
WITHHELD = "config:"
"""What the sources of secrets nobody gave begin with, among a value's dependencies."""

ORGANIZATION = "organization"
"""The one there is where no account is: https://www.pulumi.com/docs/iac/concepts/state-and-backends/"""

_DEEPEST = 2
"""How many objects deep outputs are named: some types hold themselves."""

_FOREIGN = ("AWS_", "CLOUDFLARE_", "KUBE", "PULUMI_")
"""Prefixes of environment variables SDKs take defaults from: what is recorded must not depend on who records it."""


@dataclass(frozen=True, kw_only=True)
class Program:
    """What to run: a stack's config as the engine gives it, and which of its settings are encrypted.

    Encrypted settings that `config` has no value for are withheld: the program gets a secret Output that isn't known.
    """

    name: str
    project: str
    config: Mapping[str, str]
    encrypted: frozenset[str]


@dataclass(frozen=True)
class Run:
    """What the program told the monitor: each registration by its URN, and what the stack exports."""

    requests: Mapping[str, Any]
    outputs: Mapping[str, struct_pb2.Value] = field(default_factory=dict)


def run_program(program: Program, exported: Callable[[str], Exports], *, symbolic: bool) -> Run:
    """Run it to its end. `exported` answers for other stacks, by the names the program has for them.

    `symbolic`: outputs nobody can know have names (infra.synth.symbols) in their place, so that one sees what the
    program makes of them. Raises whatever the program raises, and SynthError for what only an engine can do.
    """
    monitor = Monitor(program.name, program.project, exported, symbolic)
    return copy_context().run(_run, program, monitor)


def _run(program: Program, monitor: Monitor) -> Run:
    engine = Engine()
    loop = _Loop()
    with ExitStack() as stack:
        stack.callback(loop.close)
        stack.enter_context(_environment(program))
        stack.enter_context(_no_collection())
        stack.enter_context(_withholding(program))
        # Where in the program a resource is serves the engine's messages only, and costs a fifth of the time.
        stack.enter_context(_replaced(registering, "_get_stack_trace", source_pb2.StackTrace))
        if monitor.symbolic:
            stack.enter_context(_symbols())
        stack.enter_context(warnings.catch_warnings())
        # SDKs warn of their own deprecated classes while they load them, used or not.
        warnings.filterwarnings("ignore", "(.* has been|This resource is) deprecated", DeprecationWarning)
        asyncio.set_event_loop(loop)
        stack.callback(asyncio.set_event_loop, None)
        settings.reset_options(
            project=program.project,
            stack=program.name,
            root_directory=str(PROJECT),
            preview=True,
            organization=ORGANIZATION,
        )
        settings.SETTINGS.monitor, settings.SETTINGS.engine = monitor, engine
        _complete(loop)
    if engine.errors:
        raise SynthError("\n".join(engine.errors))
    return Run(monitor.requests, monitor.outputs)


def _complete(loop: asyncio.AbstractEventLoop) -> None:
    try:
        loop.run_until_complete(runtime.run_in_stack(_main))
    except _IdleError as idle:
        # What waits for a registration that failed half-way waits for ever: the failure is the SDK's to remember.
        raise settings.SETTINGS.rpc_manager.unhandled_exception or SynthError(str(idle)) from None
    finally:
        _abandon(loop)


def _abandon(loop: asyncio.AbstractEventLoop) -> None:
    """End what a program that failed left waiting."""
    left = asyncio.all_tasks(loop)
    for task in left:
        task.cancel()
    with suppress(_IdleError):
        loop.run_until_complete(asyncio.gather(*left, return_exceptions=True))


def _main() -> None:
    runpy.run_path(str(PROJECT / "infra" / "__main__.py"), run_name="__main__")


class _IdleError(Exception):
    """The program waits for something, and nothing is left that could bring it."""


class _Selector(selectors.SelectSelector):
    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        if timeout is None:
            raise _IdleError("the program waits for what never comes")
        return super().select(timeout)


class _Loop(asyncio.SelectorEventLoop):
    """Does at once what the SDK would hand to a thread: calls of the monitor are quick, and come in one order then.

    With no other thread at work, a loop that has nothing to do never will have.
    """

    def __init__(self) -> None:
        super().__init__(_Selector())
        # Of a program that fails one error is raised; the futures that failed with it have nothing to add.
        self.set_exception_handler(lambda _loop, _context: None)

    def run_in_executor(self, _executor: Any, func: Callable[..., Any], *args: Any) -> "asyncio.Future[Any]":  # type: ignore[override]
        future = self.create_future()
        try:
            future.set_result(func(*args))
        except Exception as error:  # the future's holder gets it, whatever it is
            future.set_exception(error)
        return future


@contextmanager
def _environment(program: Program) -> Iterator[None]:
    """The environment and the folder the engine runs the program in, without anything of the user's accounts."""
    kept, folder = dict(os.environ), Path.cwd()
    values = {**dict.fromkeys(program.encrypted, ""), **program.config}
    for name in kept:
        if name.startswith(_FOREIGN):
            del os.environ[name]
    os.environ["PULUMI_CONFIG"] = json.dumps(values)
    os.environ["PULUMI_CONFIG_SECRET_KEYS"] = json.dumps(sorted(program.encrypted))
    os.chdir(PROJECT)
    try:
        yield
    finally:
        os.chdir(folder)
        os.environ.clear()
        os.environ.update(kept)


@contextmanager
def _no_collection() -> Iterator[None]:
    """Leave garbage until a run is over: what it makes is held together by its Outputs, and going over it again and
    again takes as long as the run itself."""
    enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if enabled:
            gc.enable()


@contextmanager
def _replaced(holder: Any, name: str, replacement: Any) -> Iterator[None]:
    kept = getattr(holder, name)
    setattr(holder, name, replacement)
    try:
        yield
    finally:
        setattr(holder, name, kept)


@contextmanager
def _withholding(program: Program) -> Iterator[None]:
    """Answer for encrypted settings nobody gave: a secret that isn't known, and that remembers which one it is."""
    withheld = program.encrypted - program.config.keys()
    get, require = pulumi.Config._get, pulumi.Config.require_secret

    def get_plain(config: pulumi.Config, key: str, *rest: Any) -> Any:
        if (full := config.full_key(key)) in withheld:
            raise SynthError(
                f"{full} is encrypted, and the program reads it in plain text: give its value with --secrets"
            )
        return get(config, key, *rest)

    def require_secret(config: pulumi.Config, key: str) -> pulumi.Output[str]:
        return _unknown(full) if (full := config.full_key(key)) in withheld else require(config, key)

    with (
        _replaced(pulumi.Config, "_get", get_plain),
        _replaced(pulumi.Config, "require_secret", require_secret),
    ):
        yield


def _unknown(setting: str) -> pulumi.Output[Any]:
    async def data() -> Any:
        source = DependencyResource(f"{WITHHELD}{setting}")
        return output._OutputData(resources={source}, value=None, is_known=False, is_secret=True)

    return pulumi.Output._from_data(data())


@contextmanager
def _symbols() -> Iterator[None]:
    """Give what isn't known of a resource a name, and let the program work with the name as far as it can."""
    resolve, apply = rpc.resolve_outputs, pulumi.Output.apply

    def resolve_outputs(res: Any, inputs: Any, outputs: struct_pb2.Struct, *rest: Any, **named: Any) -> None:
        urn = outputs.fields.pop(URN_PROPERTY).string_value if URN_PROPERTY in outputs.fields else None
        if urn is not None:
            _name_unknown(outputs, type(res), urn)
        resolve(res, inputs, outputs, *rest, **named)

    def apply_named(self: Any, func: Callable[[Any], Any], run_with_unknowns: bool = False) -> Any:
        def guarded(value: Any) -> Any:
            try:
                return func(value)
            except Exception:
                # A name is no address, no number and no base64: what is made of it stays as unknown as it is.
                if run_with_unknowns or not holds_symbol(value):
                    raise
                return _never()

        return apply(self, guarded, run_with_unknowns)

    with _replaced(rpc, "resolve_outputs", resolve_outputs), _replaced(pulumi.Output, "apply", apply_named):
        yield


def _never() -> pulumi.Output[Any]:
    async def data() -> Any:
        return output._OutputData(resources=set(), value=None, is_known=False, is_secret=False)

    return pulumi.Output._from_data(data())


def _name_unknown(known: struct_pb2.Struct, class_: type, urn: str) -> None:
    """Names for a resource's properties that are text, and for those of objects among them; the rest stays unknown."""
    for path in _text_properties(class_):
        *above, name = path
        holder = known
        for step in above:
            holder = holder.fields[step].struct_value
        if name not in holder.fields:
            holder.fields[name].string_value = symbol(urn, ".".join(path))


@cache
def _text_properties(class_: type) -> tuple[tuple[str, ...], ...]:
    """Where a resource's class has text among its outputs. What an API server fills in is no input of anything here."""
    if class_.__module__.startswith("pulumi_kubernetes."):
        return ()
    return tuple(_text_in(_types.resource_types(class_), ()))


def _text_in(types: Mapping[str, Any], above: tuple[str, ...]) -> Iterator[tuple[str, ...]]:
    for name, given in types.items():
        type_ = _types.unwrap_optional_type(_types.unwrap_type(given))
        if type_ is str and name not in ("urn", "id"):
            yield (*above, name)
        elif _types.is_output_type(type_) and len(above) < _DEEPEST:
            yield from _text_in(_types.output_type_types(type_), (*above, name))
