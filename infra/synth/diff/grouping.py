"""Puts changes that are one and the same in many stacks together, and names those that differ."""

import re
from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

from infra.synth.diff.compare import Action, Change
from infra.synth.diff.values import FieldChange

_FEW = 0.1
"""Share of a kind's stacks below which those without a change are exceptions, worth their names."""
_STACK, _REGION = "<stack>", "<region>"


@dataclass(frozen=True)
class Variant:
    """One way the change is in some stacks: the fields, with what is the stack's own left out, and its resources."""

    fields: tuple[FieldChange, ...]
    changes: tuple[Change, ...]

    @property
    def stacks(self) -> tuple[str, ...]:
        """Where it is so."""
        return tuple(sorted({each.stack for each in self.changes}))


@dataclass(frozen=True)
class Group:
    """One change. `variants`: as most stacks have it first. `without`: the few stacks of the kind that lack it."""

    action: Action
    type: str
    role: str
    kind: str
    variants: tuple[Variant, ...]
    without: tuple[str, ...] = ()

    @property
    def changes(self) -> tuple[Change, ...]:
        """All resources it is about."""
        return tuple(change for variant in self.variants for change in variant.changes)

    @property
    def title(self) -> str:
        """What it is about: a name, or what the names have in common."""
        names = {each.name for each in self.changes}
        return names.pop() if len(names) == 1 else self.role

    @property
    def stacks(self) -> tuple[str, ...]:
        """All stacks it is in."""
        return tuple(sorted({each.stack for each in self.changes}))

    @property
    def loss(self) -> str | None:
        """What is at risk by it."""
        return next((each.loss for each in self.changes if each.loss), None)


def group(changes: Sequence[Change], kinds: Mapping[str, str], regions: Collection[str]) -> list[Group]:
    """The changes as groups: what puts data at risk first, then what is replaced, deleted, created, updated.

    `kinds` are those of all stacks looked at; `regions` the names that regions have in resources' names.
    """
    found: dict[tuple[Action, str, str, str, tuple[str, ...]], list[tuple[Change, tuple[FieldChange, ...]]]]
    found = defaultdict(list)
    for change in changes:
        common = _Common(change.stack, regions)
        fields = tuple(common.field(each) for each in change.fields)
        places = tuple(each.path for each in fields)
        found[change.action, change.type, common.text(change.name), change.kind, places].append((change, fields))
    groups = [
        Group(action, type_, role, kind, _variants(members), _without(members, kind, kinds))
        for (action, type_, role, kind, _), members in found.items()
    ]
    return sorted(groups, key=_rank)


def _variants(members: Sequence[tuple[Change, tuple[FieldChange, ...]]]) -> tuple[Variant, ...]:
    by_fields: dict[tuple[FieldChange, ...], list[Change]] = defaultdict(list)
    for change, fields in members:
        by_fields[fields].append(change)
    variants = [
        # Of one resource alone everything is said as it is.
        Variant(changes[0].fields if len(changes) == 1 else fields, tuple(changes))
        for fields, changes in by_fields.items()
    ]
    return tuple(sorted(variants, key=lambda each: (-len(each.stacks), each.stacks)))


def _without(
    members: Sequence[tuple[Change, tuple[FieldChange, ...]]], kind: str, kinds: Mapping[str, str]
) -> tuple[str, ...]:
    alike = {name for name, each in kinds.items() if each == kind}
    lacking = alike - {change.stack for change, _ in members}
    return tuple(sorted(lacking)) if 0 < len(lacking) <= _FEW * len(alike) else ()


def _rank(group_: Group) -> tuple[bool, int, int, str, str]:
    order = (Action.REPLACE, Action.DELETE, Action.CREATE, Action.UPDATE)
    return group_.loss is None, order.index(group_.action), -len(group_.stacks), group_.type, group_.role


class _Common:
    """Takes out of names and values what is a stack's own: its name, and its regions'."""

    def __init__(self, stack: str, regions: Collection[str]) -> None:
        own = {stack: _STACK, **{each: _REGION for each in regions if each != stack}}
        words = "|".join(re.escape(each) for each in sorted(own, key=len, reverse=True))
        self._own, self._words = own, re.compile(rf"(?<![a-zA-Z0-9])(?:{words})(?![a-zA-Z0-9])")

    def text(self, text: str) -> str:
        return self._words.sub(lambda found: self._own[found.group()], text)

    def field(self, field: FieldChange) -> FieldChange:
        return FieldChange(
            self.text(field.path),
            None if field.before is None else self.text(field.before),
            None if field.after is None else self.text(field.after),
            tuple(map(self.text, field.lines)),
        )
