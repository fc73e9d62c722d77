"""Rules about where customers are: two regions at most, both among those their data may be in."""

from collections.abc import Iterator
from dataclasses import dataclass

from infra.plan.identity import repeated
from infra.settings.kinds import GlobalSettings, Placement, TenantSettings
from infra.settings.problems import Problem

_PLACEMENT = "moltghost:placement"


def placed_in(placement: Placement) -> tuple[str, ...]:
    """The regions a customer's agents are in, the one that is asked first first."""
    return (placement.home,) if placement.failover is None else (placement.home, placement.failover)


@dataclass(frozen=True)
class Loss:
    """What becomes of a customer's agents when one of its regions is lost: who answers for them, and why or why not."""

    region: str
    carried_on_in: str | None
    why: str


COPIES_AGE_MIN = 20
"""Minutes a copy of a snapshot is old at most: five between snapshots, fifteen until S3 has copied one (ADR 22)."""


def when_lost(placement: Placement) -> tuple[Loss, ...]:
    """The loss of each region a customer is in, its home first."""
    home, failover = placement.home, placement.failover
    if failover is not None:
        resumed = f"restarted, they go on from their latest state copied there, at most {COPIES_AGE_MIN} min old"
        ready = f"agents answer in {home} as before; nothing takes over from it meanwhile"
        return (Loss(home, failover, f"agents are carried on in {failover}: {resumed}"), Loss(failover, home, ready))
    others = [place for place in placement.residency if place not in {home, *placement.sites.values()}]
    why = f"no failover is named, though it may be in {', '.join(others)}" if others else "residency allows no other"
    return (Loss(home, None, f"agents answer nowhere else: their data is in {home} alone, and {why}"),)


def failover_is_elsewhere(settings: TenantSettings) -> Iterator[Problem]:
    """What takes over from a region is another one."""
    placement = settings.placement
    if placement.failover == placement.home:
        remedy = "Name another region, or leave it out and nothing takes over"
        message = "is lost together with home"
        yield Problem(f"{_PLACEMENT}.failover", message, remedy, placement.failover, (f"{_PLACEMENT}.home",))


def data_stays_where_it_may_be(settings: TenantSettings) -> Iterator[Problem]:
    """Agents hold data: where they are, it may be. No region is named twice."""
    placement = settings.placement
    for field in ("home", "failover"):
        region = getattr(placement, field)
        if region is not None and region not in placement.residency:
            message = f"is not among the regions the data may be in: {', '.join(placement.residency)}"
            remedy = "Name one of them, or let the customer agree to it and add it to residency"
            yield Problem(f"{_PLACEMENT}.{field}", message, remedy, region, (f"{_PLACEMENT}.residency",))
    listed = [(f"{_PLACEMENT}.residency[{at}]", region) for at, region in enumerate(placement.residency)]
    yield from repeated(listed, "listed")


def regions_have_stacks(settings: TenantSettings) -> Iterator[Problem]:
    """Where the agents go there is a stack of that region, and no stack is named for nothing."""
    placed = placed_in(settings.placement)
    for field, region in zip(("home", "failover"), placed, strict=False):
        if region not in settings.region_stacks:
            remedy = f"Add `{region}: organization/moltghost/{region}` to moltghost:region_stacks"
            yield Problem(f"{_PLACEMENT}.{field}", "has no stack", remedy, region, ("moltghost:region_stacks",))
    for region in settings.region_stacks:
        if region not in placed:
            path = f"moltghost:region_stacks.{region}"
            yield Problem(path, "is no region of this customer", "Take it out", region, (_PLACEMENT,))


def steered_regions_are_listed(settings: GlobalSettings) -> Iterator[Problem]:
    """The name that leads to whichever region is near is one of the zone's and leads to regions there are."""
    steering, edge, path = settings.steering, settings.edge, "moltghost:steering"
    if steering is None:
        return
    if not steering.hostname.endswith(f".{edge.zone}"):
        message, remedy = f"is not a name in the zone {edge.zone}", f"Give a name such as any.{edge.zone}"
        yield Problem(f"{path}.hostname", message, remedy, steering.hostname, ("moltghost:edge.zone",))
    if steering.hostname in {edge.hostname, edge.console.hostname if edge.console else None}:
        message, involved = "leads elsewhere already", ("moltghost:edge.hostname", "moltghost:edge.console.hostname")
        yield Problem(f"{path}.hostname", message, "Give each its own", steering.hostname, involved)
    for region in steering.region_stacks:
        if region not in settings.regions:
            remedy = f"Name one of {', '.join(sorted(settings.regions))}"
            place = f"{path}.region_stacks.{region}"
            yield Problem(place, "is no region of this stack", remedy, region, ("moltghost:regions",))


def origins_are_regions(settings: GlobalSettings) -> Iterator[Problem]:
    """The machine plays regions the stack lists."""
    for name in settings.machine.origins if settings.machine else ():
        if name not in settings.regions:
            path = f"moltghost:machine.origins.{name}"
            remedy = f"Name one of {', '.join(sorted(settings.regions))}"
            yield Problem(path, "is no region of this stack", remedy, name, ("moltghost:regions",))
