"""Where a stack's config is read from: its file, or the running engine."""

import json
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from infra.settings.problems import NAMESPACE, ConfigError, Problem, path_of

_FILE_KEYS = {"config", "encryptedkey", "encryptionsalt", "environment", "secretsprovider"}


@dataclass(frozen=True)
class Source:
    """A stack's config before anything is believed of it.

    `values` are our settings without the encrypted ones, whose names are in `encrypted`. `name` is what messages call
    it, `lines` where each path stands in the file, `problems` what reading alone has shown.
    """

    name: str
    values: Mapping[str, Any]
    encrypted: frozenset[str]
    lines: Mapping[str, int] = field(default_factory=dict)
    problems: tuple[Problem, ...] = ()


def read_engine(stack: str, config: Mapping[str, str], secret_keys: Collection[str]) -> Source:
    """The config the engine gives the program. The engine has decrypted it: encrypted settings are left out unread."""
    own = {key: value for key, value in config.items() if key.startswith(f"{NAMESPACE}:")}
    values = {key.partition(":")[2]: _decode(value) for key, value in own.items() if key not in secret_keys}
    encrypted = frozenset(key.partition(":")[2] for key in own if key in secret_keys)
    return Source(f"stack {stack}", values, encrypted, problems=tuple(_foreign(config)))


def _decode(text: str) -> Any:
    return json.loads(text) if text[:1] in {"{", "["} else text


def read_file(path: Path) -> Source:
    """The config in a stack file. Raises ConfigError if it is not there or is no YAML mapping."""
    document = _parse(path)
    config = document.get("config") or {}
    if not isinstance(config, dict):
        raise ConfigError(
            path.name, [Problem("config", "must be a mapping", "Write `config:` and the settings under it")]
        )
    own = {key.partition(":")[2]: value for key, value in config.items() if str(key).startswith(f"{NAMESPACE}:")}
    encrypted = frozenset(key for key, value in own.items() if _is_encrypted(value))
    problems = [
        Problem(key, "a stack file has no such key", f"Settings stand under `config:` as `{NAMESPACE}:{key}`")
        for key in document
        if key not in _FILE_KEYS
    ]
    node = yaml.compose(path.read_text(), Loader=yaml.SafeLoader)
    lines: dict[str, int] = {}
    for place, line, repeated in _places(node):
        if repeated:
            problems.append(Problem(place, f"stands here and again on line {line}; one would be lost", "Keep one"))
        lines.setdefault(place, line)
    values = {key: value for key, value in own.items() if key not in encrypted}
    return Source(path.name, values, encrypted, lines, (*problems, *_foreign(config)))


def _parse(path: Path) -> dict[str, Any]:
    try:
        document = yaml.safe_load(path.read_text())
    except OSError as error:
        problem = Problem(
            path.name, f"cannot be read ({error.strerror})", "Name an existing stack, or use --config-file"
        )
        raise ConfigError(path.name, [problem]) from None
    except (yaml.YAMLError, UnicodeDecodeError, ValueError) as error:
        mark = getattr(error, "problem_mark", None)
        what = getattr(error, "problem", None) or "not text"
        line = {path.name: mark.line + 1} if mark else {}
        problem = Problem(path.name, f"is not YAML ({what})", "Mend the line named")
        raise ConfigError(path.name, [problem], line) from None
    if not isinstance(document, dict):
        problem = Problem(path.name, "must be a mapping", "Write `config:` and the settings under it")
        raise ConfigError(path.name, [problem])
    return document


def _is_encrypted(value: object) -> bool:
    return isinstance(value, dict) and set(value) == {"secure"}


def _foreign(config: Mapping[str, Any]) -> Iterator[Problem]:
    for key in config:
        space = str(key).partition(":")[0]
        if space not in {NAMESPACE, "pulumi"}:
            yield Problem(
                str(key),
                "settings of other namespaces are not read: every provider is made by the program",
                f"Take it out; what a stack can set begins with `{NAMESPACE}:`",
            )


def _places(document: yaml.Node | None) -> Iterator[tuple[str, int, bool]]:
    """Each setting's path, its line, and whether the same key stood in the same mapping before."""
    if not isinstance(document, yaml.MappingNode):
        return
    for key, config in document.value:
        if key.value == "config" and isinstance(config, yaml.MappingNode):
            seen: set[str] = set()
            for name, value in config.value:
                space, _, setting = name.value.partition(":")
                location = (setting,) if space == NAMESPACE else None
                path = path_of(location) if location else name.value
                yield path, name.start_mark.line + 1, path in seen
                if location and path not in seen:
                    yield from _below(location, value)
                seen.add(path)


def _below(location: tuple[str | int, ...], node: yaml.Node) -> Iterator[tuple[str, int, bool]]:
    if isinstance(node, yaml.SequenceNode):
        for index, item in enumerate(node.value):
            yield path_of((*location, index)), item.start_mark.line + 1, False
            yield from _below((*location, index), item)
    elif isinstance(node, yaml.MappingNode):
        seen: set[str] = set()
        for key, value in node.value:
            name = str(key.value)
            yield path_of((*location, name)), key.start_mark.line + 1, name in seen
            if name not in seen:
                yield from _below((*location, name), value)
            seen.add(name)
