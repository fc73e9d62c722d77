"""Turns settings into a plan: everything a stack's YAML leaves to be computed, computed."""

from dataclasses import dataclass
from ipaddress import IPv4Network
from itertools import chain

from components.cluster.spec import PLATFORM_NAMESPACE
from components.labels import Region, TenantId
from components.naming import PLATFORM, resource_name
from infra.plan import addresses
from infra.plan.cells import region_of
from infra.plan.placement import placed_in
from infra.plan.rules import RULES
from infra.settings import (
    ConfigError,
    DevSettings,
    Draft,
    GlobalSettings,
    Problem,
    RegionSettings,
    Settings,
    TenantSettings,
)
from infra.settings.models import Region as Cell
from infra.settings.models import Tenant
from infra.settings.problems import ancestors

EVERYWHERE = Region("global")
"""What stands in names for the region where a thing is no region's own."""


@dataclass(frozen=True)
class TenantPlan:
    """One tenant: what it is called, where it lives, and what its settings say."""

    id: TenantId
    namespace: str
    settings: Tenant


@dataclass(frozen=True)
class Plan:
    """A dev stack whose settings have passed every rule. `never` are the ranges no agent is let out to."""

    settings: DevSettings
    region: Region
    bucket: str
    worker: str
    gateway_namespace: str
    tenants: tuple[TenantPlan, ...]
    never: tuple[IPv4Network, ...]


@dataclass(frozen=True)
class GlobalPlan:
    """The stack of what regions share. `origins` are the URLs of the regions' gateways, as the Worker reaches them."""

    settings: GlobalSettings
    worker: str
    origins: dict[Region, str]


@dataclass(frozen=True)
class RegionPlan:
    """The stack of one region: `cell` is it, whole; `origin` the name in the zone that leads into its tunnel."""

    settings: RegionSettings
    region: Region
    cell: Cell
    origin: str
    gateway_namespace: str
    never: tuple[IPv4Network, ...]


@dataclass(frozen=True)
class CustomerPlan:
    """The stack of one customer. `regions` are those its agents are in, the one that is asked first first."""

    settings: TenantSettings
    tenant: TenantId
    regions: tuple[Region, ...]


StackPlan = Plan | GlobalPlan | RegionPlan | CustomerPlan


def plan_stack(draft: Draft) -> StackPlan:
    """The plan of a stack. Raises ConfigError with every problem of its settings, those of their shape included."""
    problems = [*draft.problems, *_broken_rules(draft)]
    if problems:
        raise ConfigError(draft.source.name, problems, draft.source.lines)
    return _plan(draft.settings)


def _plan(settings: Settings) -> StackPlan:
    match settings:
        case DevSettings():
            return _plan_dev(settings)
        case GlobalSettings():
            return _plan_global(settings)
        case RegionSettings():
            return _plan_region(settings)
        case TenantSettings():
            regions = tuple(map(Region, placed_in(settings.placement)))
            return CustomerPlan(settings, TenantId(settings.tenant.id), regions)


def _plan_global(settings: GlobalSettings) -> GlobalPlan:
    played = settings.machine.origins if settings.machine else {}
    computed = {name: f"https://{origin_hostname(name, settings.edge.zone)}" for name in settings.regions}
    origins = {Region(name): played.get(name, url) for name, url in computed.items()}
    return GlobalPlan(settings, resource_name(PLATFORM, EVERYWHERE, "edge"), origins)


def _plan_region(settings: RegionSettings) -> RegionPlan:
    cell = region_of(settings)
    never = (*addresses.NEVER, cell.network.nodes, cell.network.pods, cell.network.services)
    origin = origin_hostname(cell.name, settings.edge.zone)
    return RegionPlan(settings, Region(cell.name), cell, origin, PLATFORM_NAMESPACE, never)


def origin_hostname(region: str, zone: str) -> str:
    """The name in the zone that leads into a region's tunnel."""
    return f"origin-{region}.{zone}"


def _plan_dev(settings: DevSettings) -> Plan:
    region = Region(settings.region.name)
    return Plan(
        settings=settings,
        region=region,
        bucket=_shared_bucket(settings),
        worker=resource_name(PLATFORM, region, "edge"),
        gateway_namespace=PLATFORM_NAMESPACE,
        tenants=tuple(
            TenantPlan(TenantId(tenant.id), resource_name(tenant.id, region, "agents"), tenant)
            for tenant in settings.tenants
        ),
        never=(*addresses.NEVER, *addresses.region_networks(settings).values()),
    )


def bucket_name(tenant: str, region: str, account_id: str) -> str:
    """The name of a customer's snapshot bucket in a region.

    Buckets share one namespace with all the world's, hence the account in it.
    """
    return resource_name(f"moltghost-{tenant}", f"{region}-{account_id}", "snapshots")


def _shared_bucket(settings: DevSettings) -> str:
    return resource_name("moltghost", f"{settings.region.name}-{settings.region.aws.account_id}", "snapshots")


def _broken_rules(draft: Draft) -> list[Problem]:
    """What the rules find, but for verdicts that rest on a place where an example stands in for a wrong value."""
    found = chain.from_iterable(rule(draft.settings) for rule in RULES[draft.settings.kind])
    return [
        problem for problem in found if not any(_stands_in(path, draft) for path in (problem.path, *problem.involves))
    ]


def _stands_in(path: str, draft: Draft) -> bool:
    if any(above in draft.replaced for above in ancestors(path)):
        return True
    return any(path in ancestors(replaced) for replaced in draft.replaced)
