"""A comparison as a whole: what changes, how far it reaches, and what speaks against it."""

from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field

from infra.synth.diff.compare import Action, Change, compare
from infra.synth.diff.grouping import Group, group
from policies.record import Stack, Value

NEAR = 0.8
"""Share of a ceiling from which it is near: less than 20 % are left."""


@dataclass(frozen=True)
class Refusal:
    """What a rule says of a resource. One that can't be judged before the deployment has not been passed."""

    stack: str
    rule: str
    resource: str
    says: str
    unknown: bool = False


@dataclass(frozen=True)
class Isolation:
    """What the proof of isolation comes to: whether it holds, and the proof's own words: a path, or a certificate."""

    holds: bool
    lines: tuple[str, ...] = ()


@dataclass(frozen=True)
class NearCeiling:
    """A limit that is nearer than before, with less than 20 % left: shares of it that are used."""

    stack: str
    name: str
    before: float
    after: float


@dataclass(frozen=True)
class Radius:
    """How far the change reaches. `agents`: those to restart, as `<stack>/<Sandbox>`; `tenants`: customers' stacks that
    change, `hosted` those that don't, of customers whose region does, or the edge they all share.
    """

    stacks: tuple[str, ...] = ()
    tenants: tuple[str, ...] = ()
    hosted: tuple[str, ...] = ()
    agents: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Report:
    """Everything a reviewer is told. `refusals` and `isolation` are None where nobody judged.

    `refusals` are those that come with the change; `standing` counts those that were there before, and still are.
    """

    base: str
    head: str
    compared: int
    groups: tuple[Group, ...]
    radius: Radius
    counts: Mapping[Action, int] = field(default_factory=dict)
    refusals: tuple[Refusal, ...] | None = None
    standing: int = 0
    isolation: Isolation | None = None
    ceilings: tuple[NearCeiling, ...] = ()
    uncertain: tuple[str, ...] = ()
    left_out: tuple[str, ...] = ()

    @property
    def at_risk(self) -> tuple[Group, ...]:
        """What puts data at risk."""
        return tuple(each for each in self.groups if each.loss)

    @property
    def refused(self) -> bool:
        """Whether a rule or the proof refuses the change."""
        failed = any(not each.unknown for each in self.refusals or ())
        return failed or (self.isolation is not None and not self.isolation.holds)

    @property
    def exit_code(self) -> int:
        """0 nothing changes, 2 something does, 3 it is refused."""
        return 3 if self.refused else 2 if self.groups else 0


Usage = Mapping[str, Mapping[str, float]]
"""Of each region's stack, the share of each ceiling that is used."""


def make_report(
    base: tuple[str, Mapping[str, Stack], Usage],
    head: tuple[str, Mapping[str, Stack], Usage],
    *,
    refusals: Sequence[Refusal] | None = None,
    before: Collection[Refusal] = (),
    isolation: Isolation | None = None,
    left_out: Sequence[str] = (),
) -> Report:
    """Compare two revisions: each its name, its stacks' records, and what of its ceilings is used.

    `refusals` are what rules say of the head, `before` what they say of the base.
    """
    (base_name, olds, used_before), (head_name, news, used_after) = base, head
    names = sorted({*olds, *news})
    changes = [change for name in names for change in compare(olds.get(name), news.get(name))]
    latest = {**olds, **news}
    kinds = {name: latest[name].kind for name in names}
    regions = {each.name for each in (*olds.values(), *news.values()) if each.kind == "region"} | {"global"}
    return Report(
        base=base_name,
        head=head_name,
        compared=len(names),
        groups=tuple(group(changes, kinds, regions)),
        radius=_radius(changes, [latest[name] for name in names]),
        counts=Counter(each.action for each in changes),
        refusals=None if refusals is None else tuple(each for each in refusals if each not in before),
        standing=sum(each in before for each in refusals or ()),
        isolation=isolation,
        ceilings=tuple(_nearer(used_before, used_after)),
        uncertain=tuple(sorted({each.type for each in changes if not each.certain and each.action is Action.UPDATE})),
        left_out=tuple(left_out),
    )


def _radius(changes: Sequence[Change], stacks: Sequence[Stack]) -> Radius:
    changed = {each.stack for each in changes}
    places = {each.outputs.get("region") for each in stacks if each.kind == "region" and each.name in changed}
    shared = any(each.kind == "global" and each.name in changed for each in stacks)
    customers = [each for each in stacks if each.kind == "tenant"]
    return Radius(
        stacks=tuple(sorted(changed)),
        tenants=tuple(each.name for each in customers if each.name in changed),
        hosted=tuple(
            each.name for each in customers if each.name not in changed and (shared or places & _regions(each))
        ),
        agents=tuple(sorted(f"{each.stack}/{each.name}" for each in changes if each.restarts)),
    )


def _regions(customer: Stack) -> set[Value]:
    """Where a customer's agents are, or go."""
    regions = customer.outputs.get("regions")
    return set(regions) if isinstance(regions, Mapping) else set()


def _nearer(before: Usage, after: Usage) -> list[NearCeiling]:
    found = [
        NearCeiling(stack, name, before.get(stack, {}).get(name, 0.0), share)
        for stack, ceilings in after.items()
        for name, share in ceilings.items()
        if share > NEAR and share > before.get(stack, {}).get(name, 0.0)
    ]
    return sorted(found, key=lambda each: (-each.after, each.stack, each.name))
