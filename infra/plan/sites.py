"""Sites of the mesh and the regions they are: where each may lie, and that a region is the site the others are told of.

The mesh by itself is judged in `mesh.py`. What a region alone can say of its gateways is judged here too.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from ipaddress import IPv4Network, IPv6Address

from components.network.addresses import ZONE_SLOTS, BlockError, allocate
from components.network.mesh.planning import GatewayId, Mesh
from components.network.mesh.spec import FIRST_PORT, PLANES, PORTS_A_GATEWAY, MeshSpec, SiteSpec
from infra.plan.fleet_addresses import fleet_problems
from infra.plan.identity import repeated
from infra.plan.mesh import mesh_problems
from infra.settings.kinds import GlobalSettings, RegionSettings
from infra.settings.mesh import Site
from infra.settings.problems import Problem

_MESH, _SITES, _REGIONS = "moltghost:mesh", "moltghost:sites", "moltghost:regions"

PORTS = (FIRST_PORT, FIRST_PORT + PORTS_A_GATEWAY - 1)
"""First and last UDP port of gateways of whose site nothing else is said."""

INTERNET_MTU = 1500
"""Bytes of a packet an internet gateway passes whole, whatever the instance's own interface has
(https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/network_mtu.html, 2026-11)."""


@dataclass(frozen=True)
class Joined:
    """A region's place in the mesh: its own site, the ranges of its neighbours, first and last of its UDP ports."""

    mesh: MeshSpec
    site: SiteSpec
    ranges: tuple[IPv4Network, ...]
    ports: tuple[int, int]

    @property
    def neighbours(self) -> dict[str, SiteSpec]:
        """The sites it is joined to, by their names."""
        mesh = Mesh(self.mesh)
        return {name: mesh.sites[name] for name in mesh.neighbours[self.site.name]}

    def among(self, names: Sequence[str]) -> list[SiteSpec]:
        """Those of its neighbours that are named."""
        return [site for name, site in self.neighbours.items() if name in names]

    def mtu_to(self, names: Sequence[str]) -> int | None:
        """Bytes of a packet that passes whole between it and all neighbours named; None where none of them is one."""
        sites = self.among(names)
        return min(map(Mesh(self.mesh).mtu, [self.site, *sites])) if sites else None


@dataclass(frozen=True)
class SiteFault:
    """What a site says that its region's stack does not: `field` is its place in the site."""

    field: str
    message: str
    remedy: str
    value: object


def joined(mesh: MeshSpec | None, region: str) -> Joined | None:
    """A region's place in the mesh; None where it is no site of it. What `mesh_problems` finds must have been seen."""
    site = next((each for each in mesh.sites if each.name == region), None) if mesh else None
    if mesh is None or site is None:
        return None
    ranges = Mesh(mesh).gateway(GatewayId(site.name, site.gateways[0].plane)).neighbour_ranges
    first = min(each.port for each in site.gateways)
    last = max(each.port for each in site.gateways) + PORTS_A_GATEWAY - 1
    return Joined(mesh, site, ranges, (first, last))


def site_faults(region: RegionSettings, site: SiteSpec) -> Iterator[SiteFault]:
    """Where a site is not what its region's stack, which makes network and gateways, will be."""
    if region.mesh is None:
        yield SiteFault(
            "", "is a region without gateways", "Add moltghost:mesh to its stack, or take it out", site.name
        )
        return
    if not region.mesh.joined:
        yield SiteFault("", "is a region that is not joined yet", "Say `joined: true` in its stack", site.name)
    vpc = allocate(region.region.block, ZONE_SLOTS).vpc
    if site.ranges != (vpc,):
        told = [str(each) for each in site.ranges]
        yield SiteFault("ranges", "is not the region's VPC", f"Write [{vpc}]: it follows from the block", told)
    wanted, planes = PLANES[: region.mesh.gateways], tuple(each.plane for each in site.gateways)
    if tuple(sorted(planes)) != wanted:
        message = f"has planes {', '.join(planes)}; the region makes {', '.join(wanted)}"
        yield SiteFault("gateways", message, "List those, or change moltghost:mesh.gateways of its stack", list(planes))
    for at, gateway in enumerate(site.gateways):
        place, output = f"gateways[{at}].endpoint", f"mesh_addresses.{gateway.plane}"
        remedy = f"Copy {output} of `pulumi stack output --stack {region.region.name}`"
        if gateway.endpoint is None:
            yield SiteFault(place, "is missing: a region's gateways have public addresses", remedy, None)
        elif isinstance(gateway.endpoint, IPv6Address):
            yield SiteFault(place, "is no Elastic IP, which is IPv4", remedy, str(gateway.endpoint))
    if site.underlay_mtu > INTERNET_MTU:
        message, remedy = f"is too large: AWS's way to other sites carries {INTERNET_MTU} bytes", "Leave it out"
        yield SiteFault("underlay_mtu", message, remedy, site.underlay_mtu)


def mesh_is_told_whole(settings: GlobalSettings) -> Iterator[Problem]:
    """What sites share, and the sites: the one is nothing without the other."""
    if settings.mesh is not None and not settings.sites:
        yield Problem(_MESH, "joins no site", f"List two sites under {_SITES}, or take it out")
    if settings.mesh is None and settings.sites:
        remedy = "Add it, e.g. `{tunnel_range: 10.255.0.0/16, generations: [1]}`"
        yield Problem(_MESH, "is missing: there are sites", remedy, None, (_SITES,))


def sites_keep_the_meshs_rules(settings: GlobalSettings) -> Iterator[Problem]:
    """The mesh by itself."""
    if settings.mesh is not None:
        yield from mesh_problems(settings.mesh, settings.sites)


def sites_lie_in_their_regions(settings: GlobalSettings) -> Iterator[Problem]:
    """A region's site has addresses of the region's block, and no other has any of it; nor has a tunnel."""
    places = {f"{_SITES}[{at}].ranges[{each}]": (site, network) for at, site, each, network in _ranges(settings.sites)}
    blocks = {f"{_REGIONS}.{name}.block": region.block for name, region in settings.regions.items()}
    # Of a block that is wrong itself its own rules speak, and nobody has to mend two things.
    unsound = {path for one in fleet_problems(blocks, {}) for path in (one.path, *one.involves)}
    regions = {name: region for name, region in settings.regions.items() if f"{_REGIONS}.{name}.block" not in unsound}
    for path, (site, network) in places.items():
        for name, region in regions.items():
            block = f"{_REGIONS}.{name}.block"
            if site.name == name and not network.subnet_of(region.block):
                message = f"is not in {region.block}, the region's block"
                yield Problem(path, message, f"Write {_vpc(region.block)}, its VPC", str(network), (block,))
            elif site.name != name and network.overlaps(region.block):
                yield Problem(path, f"overlaps {block} ({region.block})", _APART, str(network), (block,))
    for name, region in regions.items():
        if settings.mesh is not None and settings.mesh.tunnel_range.overlaps(region.block):
            path, block = f"{_MESH}.tunnel_range", f"{_REGIONS}.{name}.block"
            message = f"overlaps {block} ({region.block})"
            yield Problem(path, message, _APART, str(settings.mesh.tunnel_range), (block,))
    for at, site in enumerate(settings.sites):
        if site.kind == "region" and site.name not in settings.regions:
            remedy = f"Name one of {', '.join(settings.regions)}, or say what else it is under `kind`"
            yield Problem(f"{_SITES}[{at}].name", "is no region of this stack", remedy, site.name, (_REGIONS,))


_APART = "Give it a range no region has; `moltghost check` shows each region's block"


def _ranges(sites: Sequence[Site]) -> Iterator[tuple[int, Site, int, IPv4Network]]:
    for at, site in enumerate(sites):
        yield from ((at, site, each, network) for each, network in enumerate(site.ranges) if network.prefixlen > 0)


def _vpc(block: IPv4Network) -> IPv4Network:
    try:
        return allocate(block, ZONE_SLOTS).vpc
    except BlockError:  # which has a rule of its own
        return block


def machines_are_in_their_sites(settings: GlobalSettings) -> Iterator[Problem]:
    """A machine that is a gateway stands in the site behind it, beside its routers, and is one gateway alone."""
    hosts: list[tuple[str, str]] = []
    for at, site in enumerate(settings.sites):
        for each, gateway in enumerate(site.gateways):
            machine, path = gateway.machine, f"{_SITES}[{at}].gateways[{each}].machine"
            if machine is None:
                continue
            hosts.append((f"{path}.address", machine.address))
            stands = [(f"{path}.lan_address", machine.lan_address)]
            stands += [(f"{path}.routers[{number}]", router) for number, router in enumerate(machine.routers)]
            for place, address in stands:
                if not any(address in network for network in site.ranges):
                    ranges = ", ".join(map(str, site.ranges))
                    remedy = f"Give an address of {ranges}"
                    yield Problem(place, "is not in its site", remedy, str(address), (f"{_SITES}[{at}].ranges",))
    yield from repeated(hosts, "a gateway's machine")


def gateways_have_zones(settings: RegionSettings) -> Iterator[Problem]:
    """A region's gateways stand in its own network, each in another zone."""
    if settings.mesh is None:
        return
    if settings.eks is None:
        remedy = "Take it out: list its machines under moltghost:sites of the global stack (docs/mesh.md)"
        yield Problem(_MESH, "is for a network the stack makes", remedy)
    elif settings.mesh.gateways > len(settings.eks.zones):
        message = f"is more than the {len(settings.eks.zones)} zones they stand in"
        involved = ("moltghost:eks.zones",)
        yield Problem(f"{_MESH}.gateways", message, "Have one a zone at most", settings.mesh.gateways, involved)
    listed = [(f"{_MESH}.ports[{at}]", port) for at, port in enumerate(settings.mesh.ports)]
    yield from repeated(listed, "a port")
