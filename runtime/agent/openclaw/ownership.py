"""Whose each key of OpenClaw's configuration is, and what comes of a start where both sides changed something.

The platform owns every key but those of `AGENT_KEYS`. Those an agent may change while it runs, within the values they
take; its changes are kept. A key of the platform's that was changed meanwhile is put back. Of one that is the agent's
and that both changed, the agent's value stands. Every such case is noted by its path, never by its values.
"""

import re
from collections.abc import Callable, Iterator, Mapping
from copy import deepcopy
from dataclasses import dataclass
from typing import Any

Path = tuple[str, ...]
Config = Mapping[str, Any]

_ABSENT = object()
_ANY = "*"
_PART = re.compile(r"[A-Za-z0-9_-]{1,64}")
_TIME_ZONE = re.compile(r"[A-Za-z]{1,32}(/[A-Za-z0-9_+-]{1,32}){0,2}")
_LINE = re.compile(r"[^\x00-\x1f\x7f$]{1,200}")
_THINKING = ("off", "minimal", "low", "medium", "high")


def _matches(pattern: re.Pattern[str]) -> Callable[[Any], bool]:
    return lambda value: isinstance(value, str) and pattern.fullmatch(value) is not None


def _one_of(*choices: str) -> Callable[[Any], bool]:
    return lambda value: isinstance(value, str) and value in choices


def _is_bool(value: Any) -> bool:
    return isinstance(value, bool)


AGENT_KEYS: Mapping[Path, Callable[[Any], bool]] = {
    ("agents", "defaults", "userTimezone"): _matches(_TIME_ZONE),
    ("agents", "defaults", "thinkingDefault"): _one_of(*_THINKING),
    ("agents", "defaults", "verboseDefault"): _one_of("off", "on"),
    ("agents", "entries", "main", "identity", "name"): _matches(_LINE),
    ("agents", "entries", "main", "identity", "theme"): _matches(_LINE),
    ("agents", "entries", "main", "identity", "emoji"): _matches(_LINE),
    ("skills", "entries", _ANY, "enabled"): _is_bool,
}
"""The agent's keys, and the values each takes: how it reasons and presents itself, which of its instructions it uses.

None of them opens anything. `*` stands for any one name; a value of another kind would keep OpenClaw from starting.
"""


@dataclass(frozen=True)
class Note:
    """Something of the live configuration that did not simply stay: `path` with dots, `kind` says what became of it."""

    path: str
    kind: str


RESET = "changed by the agent, put back to the platform's"
KEPT = "changed by both, the agent's kept"
REFUSED = "changed by the agent to what the key does not take, dropped"


def merge(platform: Config, live: Config | None, previous: Config | None) -> tuple[dict[str, Any], list[Note]]:
    """The configuration to start with, and what is to be told about it.

    `live` is what OpenClaw ran with last, `previous` the platform's part of that time; None where there was none.
    """
    merged: dict[str, Any] = deepcopy(dict(platform))
    if live is None:
        return merged, []
    before = platform if previous is None else previous
    notes: list[Note] = []
    for path, value in _leaves(live):
        was = _at(before, path)
        if _same(value, was):
            continue
        accepts = _owner(path)
        now = _at(platform, path)
        if accepts is None:
            if not _same(value, now):
                notes.append(Note(_dotted(path), RESET))
        elif not accepts(value) or not _put(merged, path, value):
            notes.append(Note(_dotted(path), REFUSED))
        elif not _same(now, was) and not _same(now, value):
            notes.append(Note(_dotted(path), KEPT))
    return merged, notes


def is_agents(path: Path) -> bool:
    """Whether the agent may change what is at this path."""
    return _owner(path) is not None


def _owner(path: Path) -> Callable[[Any], bool] | None:
    """What the agent may put at the path; None where it is the platform's."""
    for key, accepts in AGENT_KEYS.items():
        if len(key) == len(path) and all(_fits(part, name) for part, name in zip(key, path, strict=True)):
            return accepts
    return None


def _fits(part: str, name: str) -> bool:
    return _PART.fullmatch(name) is not None if part == _ANY else part == name


def _leaves(config: Any, path: Path = ()) -> Iterator[tuple[Path, Any]]:
    """Every value that is no object, or an empty one, with its path."""
    if isinstance(config, Mapping) and (config or not path):
        for name, value in config.items():
            yield from _leaves(value, (*path, name))
    else:
        yield path, config


def _at(config: Any, path: Path) -> Any:
    for name in path:
        if not isinstance(config, Mapping) or name not in config:
            return _ABSENT
        config = config[name]
    return config


def _put(config: dict[str, Any], path: Path, value: Any) -> bool:
    """Put a value in, making the objects around it; False where the platform has something else on the way."""
    inside: Any = config
    for name in path[:-1]:
        inside = inside.setdefault(name, {})
        if not isinstance(inside, dict):
            return False
    inside[path[-1]] = value
    return True


def _same(one: Any, other: Any) -> bool:
    """Equal, and of one kind: 1 is not True."""
    return type(one) is type(other) and bool(one == other)


def _dotted(path: Path) -> str:
    # A name is the agent's own text: what is not plainly a name is not repeated.
    return ".".join(name if _PART.fullmatch(name) else "?" for name in path)
