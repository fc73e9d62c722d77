"""How much of each ceiling a region uses at its largest, shown before one is hit.

A region at its largest is all its pools at their maximum with one zone lost, so that the others carry everything.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from math import ceil

from components.network.addresses import usable
from components.network.manifests import (
    Rule,
    build_database_acl,
    build_endpoint_policy,
    build_rules,
    build_s3_policy,
    egress_ranges,
)
from components.network.spec import ROLES, NetworkSpec
from infra.plan import quotas
from infra.plan.quotas import Quota
from infra.settings.problems import Problem

WARN_AT = 0.8
"""Share of a ceiling from which it is said: a quota takes AWS days to raise."""


@dataclass(frozen=True, kw_only=True)
class PoolUse:
    """One node group at its largest. `path` is where its size is set.

    `gpus` of a node are as many agents; 0 is a pool without agents. `system_pods` run on each node whatever else does.
    `attachments`: volumes and interfaces an instance takes, agents' volumes among them; newer types take more.
    """

    path: str
    name: str
    nodes: int
    gpus: int
    system_pods: int = 12
    max_pods: int = quotas.PODS_ON_NODE.limit
    attachments: int = quotas.ATTACHMENTS.limit


@dataclass(frozen=True, kw_only=True)
class Paths:
    """Where in a region's file each thing is set that a ceiling can ask to be changed."""

    block: str = "moltghost:region.block"
    cluster: str = "moltghost:eks"
    zones: str = "moltghost:eks.zones"
    egress: str = "moltghost:eks.egress"
    mesh: str = "moltghost:mesh"
    pools: str = "moltghost:pools"


@dataclass(frozen=True, kw_only=True)
class RegionUse:
    """What a region is made of at its largest.

    `pod_prefix`: the range each node takes out of the pods' for its own, as Cilium is told. `services`: Services of all
    namespaces. `gateways`: WireGuard gateways, each with an Elastic IP. `mesh_routes`: routes to other sites in each
    private table. `machines`: nodes of the cluster at other sites. `connections_an_agent`: connections at once to one
    and the same destination. `promised`: agents its tenants may have together. `quotas`: what AWS has granted beyond
    its defaults, by the quota's code.
    """

    network: NetworkSpec
    pools: tuple[PoolUse, ...]
    pod_prefix: int = 25
    services: int = 0
    gateways: int = 2
    mesh_routes: int = 0
    machines: int = 0
    volume_gb_an_agent: int = 0
    connections_an_agent: int = 50
    promised: int = 0
    quotas: Mapping[str, int] = field(default_factory=dict)
    paths: Paths = Paths()

    @property
    def nodes(self) -> int:
        """All nodes."""
        return sum(pool.nodes for pool in self.pools)

    @property
    def agents(self) -> int:
        """All agents GPUs are there for."""
        return sum(pool.nodes * pool.gpus for pool in self.pools)

    @property
    def zones_left(self) -> int:
        """Zones that carry the region when one is lost."""
        return len(self.network.zones) - 1


@dataclass(frozen=True)
class Ceiling:
    """One limit and how much of it is used. `path` is what to change; `remedy` how."""

    name: str
    used: int
    limit: int
    path: str
    remedy: str
    source: str

    @property
    def share(self) -> float:
        """Used of the limit: 1.0 is all of it."""
        return self.used / self.limit if self.limit else float(self.used > 0)

    @property
    def headroom(self) -> int:
        """How much more fits; negative when it is too much already."""
        return self.limit - self.used


def ceilings(use: RegionUse) -> list[Ceiling]:
    """Every ceiling of a region, the most used first."""
    found = [*_addresses(use), *_walls(use), *_ways_out(use), *_endpoints(use), *_cluster(use), *_agents(use)]
    return sorted(found, key=lambda each: (-each.share, each.name))


def agents_that_fit(use: RegionUse) -> tuple[int, str]:
    """The most agents the region can hold at its largest, and what holds them there: the least of its limits."""
    by_node = sum(pool.nodes * agents_on_node(pool) for pool in use.pools)
    limits = {"GPUs": use.agents, "pods and volumes on a node": by_node}
    if use.volume_gb_an_agent:
        limits["GB of volumes"] = _limit(use, quotas.GP3_GB) // use.volume_gb_an_agent
    if use.connections_an_agent:
        ports = quotas.NAT_PORTS.limit * use.zones_left
        limits["NAT gateways' ports"] = ports // use.connections_an_agent
    least = min(limits, key=lambda name: limits[name])
    return limits[least], least


def agents_on_node(pool: PoolUse) -> int:
    """Agents one node holds: a GPU, a pod and a volume each."""
    pods = max(0, pool.max_pods - pool.system_pods)
    return min(pool.gpus, pods, pool.attachments - quotas.ROOT_AND_INTERFACE)


def capacity_problems(found: Iterable[Ceiling]) -> Iterator[Problem]:
    """Ceilings that are exceeded."""
    for each in found:
        if each.used > each.limit:
            message = f"brings {each.name} to {each.used}; the limit is {each.limit} ({each.source})"
            yield Problem(each.path, message, each.remedy)


def capacity_warnings(found: Iterable[Ceiling]) -> list[str]:
    """Ceilings that are nearly reached, a sentence each."""
    return [
        f"{each.path}: {each.name}: {each.used} of {each.limit} ({each.share:.0%}). {each.remedy}"
        for each in found
        if WARN_AT <= each.share <= 1
    ]


def render_ceilings(found: Sequence[Ceiling]) -> list[str]:
    """The ceilings as a table, a line each."""
    rows = [("ceiling", "used", "limit", "", "left", "source")]
    rows += [
        (each.name, str(each.used), str(each.limit), f"{each.share:.0%}", str(each.headroom), each.source)
        for each in found
    ]
    widths = [max(len(row[at]) for row in rows) for at in range(len(rows[0]))]
    return [_line(row, widths) for row in rows]


def _line(row: Sequence[str], widths: Sequence[int]) -> str:
    numbers = range(1, 5)
    cells = [
        cell.rjust(width) if at in numbers else cell.ljust(width)
        for at, (cell, width) in enumerate(zip(row, widths, strict=True))
    ]
    return "  ".join(cells).rstrip()


def _limit(use: RegionUse, quota: Quota) -> int:
    return use.quotas.get(quota.code, quota.limit) if quota.code else quota.limit


def _of(use: RegionUse, quota: Quota, used: int, path: str, remedy: str, of: str = "") -> Ceiling:
    """A quota's ceiling; `of` says whose it is where there are several."""
    if quota.code:
        remedy = f"{remedy}, or have quota {quota.code} raised and state it under `moltghost:eks.quotas`"
    name = f"{quota.name}: {of}" if of else quota.name
    return Ceiling(name, used, _limit(use, quota), path, remedy, quota.source)


def _addresses(use: RegionUse) -> Iterator[Ceiling]:
    spec, block = use.network, use.paths.block
    ranges = spec.ranges
    in_subnet = ceil(use.nodes / use.zones_left) + len(spec.services) + quotas.CONTROL_PLANE_ADDRESSES
    larger = "Move the region to a larger block, or make its pools smaller"
    subnets = "https://docs.aws.amazon.com/vpc/latest/userguide/subnet-sizing.html"
    yield Ceiling("addresses in a zone's node subnet", in_subnet, usable(ranges.zones[0].nodes), block, larger, subnets)
    pods = 1 << max(0, use.pod_prefix - ranges.pods.prefixlen)
    cilium = "https://docs.cilium.io/en/stable/network/concepts/ipam/cluster-pool/"
    every = use.nodes + use.machines
    yield Ceiling(f"nodes' /{use.pod_prefix} out of the pods' range", every, pods, block, larger, cilium)
    services = "https://kubernetes.io/docs/concepts/services-networking/cluster-ip-allocation/"
    yield Ceiling("addresses of Services", use.services, ranges.services.num_addresses - 2, block, larger, services)
    units = use.nodes * quotas.UNITS_A_NODE + len(spec.zones) * (
        len(spec.services) * quotas.UNITS_AN_ENDPOINT + quotas.UNITS_A_NAT_GATEWAY
    )
    yield _of(use, quotas.ADDRESS_UNITS, units, use.paths.pools, "Make pools smaller")
    yield _of(use, quotas.SUBNETS, 3 * len(spec.zones), use.paths.zones, "Use fewer zones")


def _walls(use: RegionUse) -> Iterator[Ceiling]:
    unjoined = use.network.model_copy(update={"mesh_ranges": (), "node_ranges": ()})
    rules, alone = build_rules(use.network), build_rules(unjoined)
    for group in ROLES:
        for direction in ("ingress", "egress"):
            used, own = (_count(each, group, direction) for each in (rules, alone))
            path, remedy = _whose(use, used, own)
            yield _of(use, quotas.RULES, used, path, remedy, f"{group}, {direction}")
        both, own = (_count(each, group) for each in (rules, alone))
        path, remedy = _whose(use, both, own)
        yield _of(use, quotas.RULES_ON_INTERFACE, both, path, remedy, group)
    yield _of(use, quotas.GROUPS, 1, use.paths.cluster, "Take groups off the interface", "a node's")
    entries = max(map(len, build_database_acl(use.network)))
    yield _of(use, quotas.ACL_RULES, entries + 1, use.paths.zones, "Use fewer zones")


def _count(rules: Sequence[Rule], group: str, direction: str | None = None) -> int:
    return sum(each.group == group and direction in {None, each.direction} for each in rules)


def _whose(use: RegionUse, used: int, own: int) -> tuple[str, str]:
    """Where most of a group's rules come from, and what to do about them: other sites, or what is listed."""
    if used - own > own:
        return use.paths.mesh, "Join the region to fewer sites, or open fewer `ports` to them"
    return use.paths.egress, "List wider ranges or fewer ports"


def _ways_out(use: RegionUse) -> Iterator[Ceiling]:
    spec = use.network
    local_and_s3 = 2
    own = len(egress_ranges(spec)) + local_and_s3
    path, remedy = _whose(use, own + use.mesh_routes, own)
    yield _of(use, quotas.ROUTES, own + use.mesh_routes, path, remedy, "a zone's nodes")
    addresses = len(spec.zones) + use.gateways  # a NAT gateway a zone, and the mesh's
    yield _of(use, quotas.ELASTIC_IPS, addresses, use.paths.cluster, "Have fewer mesh gateways, or fewer zones")
    connections = ceil(use.agents / use.zones_left) * use.connections_an_agent
    yield _of(use, quotas.NAT_PORTS, connections, use.paths.pools, "Make GPU pools smaller, or use another zone")


def _endpoints(use: RegionUse) -> Iterator[Ceiling]:
    spec, path = use.network, use.paths.cluster
    yield _of(use, quotas.INTERFACE_ENDPOINTS, len(spec.services), path, "List fewer services")
    policies = [build_s3_policy(spec), *(build_endpoint_policy(spec, service) for service in spec.services)]
    yield _of(use, quotas.ENDPOINT_POLICY, max(map(len, policies)), path, "List fewer services")


def _cluster(use: RegionUse) -> Iterator[Ceiling]:
    pools = use.paths.pools
    yield _of(use, quotas.NODE_GROUPS, len(use.pools), pools, "Have fewer pools")
    yield _of(
        use, quotas.NODES_IN_CLUSTER, use.nodes + use.machines, pools, "Make pools smaller, or open another region"
    )
    for pool in use.pools:
        yield _of(use, quotas.NODES_IN_GROUP, pool.nodes, pool.path, "Split the pool in two", pool.name)
        pods = pool.system_pods + pool.gpus
        remedy = "Take a smaller instance type, or raise max_pods"
        yield Ceiling(
            f"pods on a node: {pool.name}", pods, pool.max_pods, pool.path, remedy, quotas.PODS_ON_NODE.source
        )
        if pool.gpus:
            attached = pool.gpus + quotas.ROOT_AND_INTERFACE
            name, source = f"{quotas.ATTACHMENTS.name}: {pool.name}", quotas.ATTACHMENTS.source
            yield Ceiling(name, attached, pool.attachments, pool.path, "Take a smaller instance type", source)


def _agents(use: RegionUse) -> Iterator[Ceiling]:
    pools = use.paths.pools
    if use.volume_gb_an_agent:
        used = use.agents * use.volume_gb_an_agent
        yield _of(use, quotas.GP3_GB, used, pools, "Give agents smaller volumes")
    fit, why = agents_that_fit(use)
    remedy = f"What holds it there is {why}: raise that, or promise tenants less"
    yield Ceiling("agents promised to tenants", use.promised, fit, pools, remedy, "the least of the others")
