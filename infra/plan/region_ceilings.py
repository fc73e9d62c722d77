"""A region's own network out of its settings, what may leave it, and how near it is to its ceilings."""

from collections.abc import Iterator
from dataclasses import dataclass
from ipaddress import IPv4Network
from math import ceil

from pydantic import ValidationError

from components.cluster.catalogue import INSTANCE_TYPES
from components.labels import Region
from components.network.spec import EVERYWHERE, TUNNEL, EgressSpec, NetworkSpec
from infra.plan.capacity import Ceiling, PoolUse, RegionUse, capacity_problems, ceilings
from infra.plan.identity import repeated
from infra.plan.sites import PORTS, Joined
from infra.settings.eks import Eks
from infra.settings.kinds import RegionSettings
from infra.settings.problems import Problem

_EGRESS = "moltghost:eks.egress"


@dataclass(frozen=True)
class Promised:
    """What a region's tenants may have together: agents, and GB of volumes."""

    agents: int = 0
    volumes_gb: int = 0


NOTHING = Promised()

PLATFORM_SERVICES = 50
"""Services of the platform's own and of addons, generously: a gateway, DNS, drivers, metrics."""


def network_of(settings: RegionSettings, eks: Eks, place: Joined | None = None) -> NetworkSpec:
    """The network of a region that makes its cluster; `place` is its own in the mesh, where it has one.

    Raises ValidationError where its settings are of no use.
    """
    listed = tuple(
        EgressSpec(name=each.name, range=each.range, protocol=each.protocol, ports=tuple(each.ports))
        for each in eks.egress
    )
    return NetworkSpec(
        region=Region(settings.region.name),
        aws_region=settings.region.aws.region,
        account_id=settings.region.aws.account_id,
        block=settings.region.block,
        zones=tuple(eks.zones),
        egress=(*TUNNEL, *listed),
        wireguard_ports=place.ports if place else PORTS,
        mesh_ranges=place.ranges if place else (),
        mesh_ports=tuple(settings.mesh.ports) if settings.mesh else (),
        node_ranges=ranges_of_nodes(settings, place),
        deletion_protection=not eks.delete_with_stack,
    )


def ranges_of_nodes(settings: RegionSettings, place: Joined | None) -> tuple[IPv4Network, ...]:
    """Where machines of other sites are that are nodes of the region's cluster; none before it has its place."""
    if settings.mesh is None or place is None:
        return ()
    sites = place.among([each.site for each in settings.mesh.nodes_at])
    return tuple(network for site in sites for network in site.ranges)


def region_use(
    settings: RegionSettings, eks: Eks, place: Joined | None = None, promised: Promised = NOTHING
) -> RegionUse:
    """The region with every pool at its maximum. Raises ValidationError where its settings are of no use."""
    pools = [
        PoolUse(
            path=f"moltghost:pools.{name}.max", name=name, nodes=pool.max, gpus=INSTANCE_TYPES[pool.instance_type].gpus
        )
        for name, pool in settings.pools.items()
        if pool.instance_type in INSTANCE_TYPES
    ]
    return RegionUse(
        network=network_of(settings, eks, place),
        pools=tuple(pools),
        # A Sandbox has a Service of its own.
        services=PLATFORM_SERVICES + sum(pool.nodes * pool.gpus for pool in pools),
        gateways=settings.mesh.gateways if settings.mesh else 0,
        mesh_routes=len(place.ranges) if place else 0,
        machines=sum(each.machines for each in settings.mesh.nodes_at) if settings.mesh else 0,
        # An agent more would have a volume like those there are.
        volume_gb_an_agent=ceil(promised.volumes_gb / promised.agents) if promised.agents else 0,
        promised=promised.agents,
        quotas=dict(eks.quotas),
    )


def region_ceilings(
    settings: RegionSettings, place: Joined | None = None, promised: Promised = NOTHING
) -> list[Ceiling]:
    """The ceilings of a region that makes its cluster, the most used first; none where it can't be laid out.

    Without its `place` in the mesh, which the global stack knows, other sites' ranges are not counted; nor are volumes
    without what its tenants are `promised`, which their stacks say.
    """
    if settings.eks is None:
        return []
    try:
        return ceilings(region_use(settings, settings.eks, place, promised))
    except ValidationError:  # each of its fields has a rule of its own, which says so with its path
        return []


def ceilings_hold(settings: RegionSettings) -> Iterator[Problem]:
    """A region at its largest stays below what AWS and Kubernetes allow."""
    yield from capacity_problems(region_ceilings(settings))


def egress_is_named_and_public(settings: RegionSettings) -> Iterator[Problem]:
    """What nodes may reach has a name of its own each, and is public."""
    if settings.eks is None:
        return
    listed = settings.eks.egress
    yield from repeated([(f"{_EGRESS}[{at}].name", each.name) for at, each in enumerate(listed)], "a range")
    for at, each in enumerate(listed):
        if each.range != EVERYWHERE and not each.range.is_global:
            remedy = "List public ranges; other sites are reached through the mesh"
            yield Problem(f"{_EGRESS}[{at}].range", "is not public", remedy, str(each.range))
        if each.name in {tunnel.name for tunnel in TUNNEL}:
            yield Problem(f"{_EGRESS}[{at}].name", "is the tunnel's own", "Choose another name", each.name)
