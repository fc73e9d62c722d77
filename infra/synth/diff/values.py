"""How two values differ, as a person would say it: lists by their keys, documents by what they say, texts by lines."""

import difflib
import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from policies.record import Secret, Unknown, Value

_KEYS = ("name", "Sid", "sid", "id", "key", "keyName", "cidr", "cidrIpv4", "containerPort", "mountPath", "ref", "port")
"""What the items of a list are known by, the first that tells them all apart."""

_POLICY_SETS = ("Action", "NotAction", "Resource", "NotResource", "Principal", "NotPrincipal", "AWS", "Service")
"""Where a policy document has one value or a list of them, in no order:
https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_grammar.html"""

_ABSENT = object()


@dataclass(frozen=True)
class FieldChange:
    """One difference: where, and what was there before and is there after; None is nothing at all.

    `lines` are what changed in a text of several lines, each with `-` or `+` before it.
    """

    path: str
    before: str | None
    after: str | None
    lines: tuple[str, ...] = ()


def value_changes(before: Value, after: Value, path: str = "") -> list[FieldChange]:
    """Every difference between two values, in the order of their paths."""
    return list(_changes(before, after, path))


def inputs_changes(before: Mapping[str, Value], after: Mapping[str, Value]) -> list[FieldChange]:
    """The same of a resource's inputs."""
    return list(_mappings(before, after, ""))


def shown(value: Any) -> str:
    """A value on one line; a secret is not shown."""
    match value:
        case Unknown():
            return "(known after the deployment)" if value.text is None else value.text
        case Secret():
            return "(a secret)"
        case _:
            return json.dumps(_plain(value), ensure_ascii=False, sort_keys=True)


def _plain(value: Any) -> Any:
    if isinstance(value, Unknown | Secret):
        return shown(value)
    if isinstance(value, Mapping):
        return {name: _plain(each) for name, each in value.items()}
    if isinstance(value, Sequence) and not isinstance(value, str):
        return [_plain(each) for each in value]
    return value


def _changes(before: Any, after: Any, path: str) -> Iterator[FieldChange]:
    if before == after and type(before) is type(after) and not isinstance(before, Mapping) and not _is_list(before):
        return
    if isinstance(before, Secret) and isinstance(after, Secret):
        yield FieldChange(path, "(a secret)", "(another secret)")
    elif isinstance(before, Mapping) and isinstance(after, Mapping):
        yield from _mappings(before, after, path)
    elif _is_list(before) and _is_list(after):
        yield from _lists(before, after, path)
    else:
        yield from _texts(before, after, path)


def _mappings(before: Mapping[str, Any], after: Mapping[str, Any], path: str) -> Iterator[FieldChange]:
    for name in sorted({*before, *after}):
        place = f"{path}.{name}" if path else name
        if name not in before:
            yield FieldChange(place, None, shown(after[name]))
        elif name not in after:
            yield FieldChange(place, shown(before[name]), None)
        else:
            yield from _changes(before[name], after[name], place)


def _is_list(value: Any) -> bool:
    return isinstance(value, Sequence) and not isinstance(value, str)


def _lists(before: Sequence[Any], after: Sequence[Any], path: str) -> Iterator[FieldChange]:
    if (key := _key_of([*before], [*after])) is not None:
        one, other = ({str(each[key]): each for each in items} for items in (before, after))
        yield from _keyed(one, other, path)
        if list(one) != list(other) and sorted(one) == sorted(other):
            yield FieldChange(path, f"in the order {', '.join(one)}", f"in the order {', '.join(other)}")
    elif all(map(_is_scalar, [*before, *after])):
        yield from _scalars(before, after, path)
    else:
        yield from _keyed(dict(_numbered(before)), dict(_numbered(after)), path)


def _numbered(items: Sequence[Any]) -> Iterator[tuple[str, Any]]:
    return ((str(at), each) for at, each in enumerate(items))


def _key_of(before: list[Any], after: list[Any]) -> str | None:
    if not all(isinstance(each, Mapping) for each in [*before, *after]):
        return None

    def tells_apart(items: list[Any], key: str) -> bool:
        found = [each.get(key) for each in items]
        return all(isinstance(each, str | int) for each in found) and len(set(found)) == len(found)

    return next((key for key in _KEYS if tells_apart(before, key) and tells_apart(after, key)), None)


def _keyed(before: Mapping[str, Any], after: Mapping[str, Any], path: str) -> Iterator[FieldChange]:
    for name in [*before, *(each for each in after if each not in before)]:
        place = f"{path}[{name}]"
        if name not in before:
            yield FieldChange(place, None, shown(after[name]))
        elif name not in after:
            yield FieldChange(place, shown(before[name]), None)
        else:
            yield from _changes(before[name], after[name], place)


def _is_scalar(value: Any) -> bool:
    return not isinstance(value, Mapping) and not _is_list(value)


def _scalars(before: Sequence[Any], after: Sequence[Any], path: str) -> Iterator[FieldChange]:
    """What came into a list and what went; where it is the order alone, that."""
    one, other = [shown(each) for each in before], [shown(each) for each in after]
    if one == other:
        yield from _keyed(dict(_numbered(before)), dict(_numbered(after)), path)  # two that are shown alike may differ
        return
    gone = [each for each in one if each not in other]
    new = [each for each in other if each not in one]
    if not gone and not new:
        yield FieldChange(path, f"in the order {', '.join(one)}", f"in the order {', '.join(other)}")
        return
    yield FieldChange(path, ", ".join(gone) or None, ", ".join(new) or None)


def _texts(before: Any, after: Any, path: str) -> Iterator[FieldChange]:
    """Two texts, each perhaps with parts that aren't known; anything else is shown as it is."""
    one, other = _text_of(before), _text_of(after)
    if one is not None and other is not None:
        said = [_document(text) for text in (one, other)]
        if _ABSENT not in said:  # nothing comes of it where they say the same, each written in its way
            yield from _changes(said[0], said[1], path)
            return
        if "\n" in one.strip() or "\n" in other.strip():
            yield FieldChange(path, None, None, tuple(_line_changes(one, other)))
            return
    if shown(before) == shown(after):
        yield FieldChange(path, f"{shown(before)} (from {_why(before)})", f"{shown(after)} (from {_why(after)})")
        return
    yield FieldChange(path, shown(before), shown(after))


def _why(value: Any) -> str:
    return value.why if isinstance(value, Unknown) else type(value).__name__


def _text_of(value: Any) -> str | None:
    if isinstance(value, Unknown):
        return value.text
    return value if isinstance(value, str) else None


def _document(text: str) -> Any:
    """What a text says if it is JSON with some structure; a policy's lists, which have no order, are sorted."""
    if not text.lstrip().startswith(("{", "[")) or text.startswith("{{"):
        return _ABSENT
    try:
        found = json.loads(text)
    except ValueError:
        return _ABSENT
    return _policy(found) if isinstance(found, dict) and "Statement" in found else found


def _policy(value: Any) -> Any:
    if isinstance(value, list):
        return [_policy(each) for each in value]
    if not isinstance(value, dict):
        return value
    return {name: _as_set(each) if name in _POLICY_SETS else _policy(each) for name, each in value.items()}


def _as_set(value: Any) -> Any:
    if isinstance(value, dict):
        return _policy(value)
    order: Callable[[Any], str] = lambda each: json.dumps(each, sort_keys=True)  # noqa: E731
    return sorted(value if isinstance(value, list) else [value], key=order)


def _line_changes(before: str, after: str) -> Iterator[str]:
    lines = difflib.unified_diff(before.splitlines(), after.splitlines(), n=0, lineterm="")
    for at, line in enumerate(lines):
        if at >= 2 and not line.startswith("@@"):
            yield line
