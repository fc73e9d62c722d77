"""What changed between two property values, as paths."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from enum import Enum
from typing import Any

from infra.local.providers.properties import Path, format_path


class Change(Enum):
    """How a property changed."""

    ADD = "add"
    DELETE = "delete"
    UPDATE = "update"


@dataclass(frozen=True)
class Diff:
    """Every changed path, and which of the changes can only be made by a replacement."""

    changes: Mapping[Path, Change] = field(default_factory=dict)
    replaces: frozenset[Path] = frozenset()
    delete_first: bool = False

    def __bool__(self) -> bool:
        return bool(self.changes)


def diff_properties(
    old: Mapping[str, Any], new: Mapping[str, Any], replace_on: Sequence[str] = (), delete_first: bool = False
) -> Diff:
    """The diff of two property dicts; a change at or below a `replace_on` path (`spec.selector`) replaces."""
    changes = dict(changed_paths(old, new))
    replaces = frozenset(path for path in changes if _under(path, replace_on))
    return Diff(changes, replaces, delete_first and bool(replaces))


def changed_paths(old: Any, new: Any, path: Path = ()) -> Iterator[tuple[Path, Change]]:
    """The deepest paths at which `old` and `new` differ. None and missing are the same thing."""
    if isinstance(old, Mapping) and isinstance(new, Mapping):
        for key in [*old, *(key for key in new if key not in old)]:
            yield from changed_paths(old.get(key), new.get(key), (*path, key))
    elif isinstance(old, list) and isinstance(new, list):
        for i in range(max(len(old), len(new))):
            before, after = (side[i] if i < len(side) else None for side in (old, new))
            yield from changed_paths(before, after, (*path, i))
    elif old is None and new is not None:
        yield path, Change.ADD
    elif new is None and old is not None:
        yield path, Change.DELETE
    elif old != new:
        yield path, Change.UPDATE


def _under(path: Path, prefixes: Sequence[str]) -> bool:
    bare = format_path(tuple(part for part in path if isinstance(part, str)))
    return any(bare == prefix or bare.startswith((f"{prefix}.", f"{prefix}[")) for prefix in prefixes)
