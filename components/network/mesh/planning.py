"""What each gateway of the mesh is made of: interfaces, peers, routes. Pure, and the same for every way of delivery.

A site's gateways lie in planes `a`, `b` …, and a gateway has one WireGuard interface for each plane of its neighbours.
Allowed-ips of an interface must be disjoint, since WireGuard chooses the peer by them; within a plane a site has one
gateway, so they are. All paths between two sites are there at once, and the routing daemon takes the best one that
lives.
"""

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from ipaddress import IPv4Address, IPv4Network, IPv6Address

from components.network.mesh.spec import (
    ADDRESSES_A_SITE,
    MAX_NEIGHBOURS,
    PLANES,
    GatewaySpec,
    HostSpec,
    MeshSpec,
    SiteSpec,
)

TUNNEL_OVERHEAD = 80
"""Bytes a tunnel adds at most: IPv6 40, UDP 8, WireGuard 32 (https://www.wireguard.com/protocol/). IPv4 takes 20 less;
a site that dials out may change between the two, so the larger figure counts for all."""

MIN_MTU = 1280
"""The least a tunnel may carry: IPv6's own least (RFC 8200, section 5)."""

KEEPALIVE_S = 25
"""Seconds between keepalives to a peer that can be dialled: below the 30 s after which NATs forget UDP (RFC 4787)."""


class MeshError(ValueError):
    """The mesh cannot be computed. The settings' rules name the place; this is the last guard."""


@dataclass(frozen=True, order=True)
class GatewayId:
    """A gateway: its site's name and its plane."""

    site: str
    plane: str

    def __str__(self) -> str:
        return f"{self.site}-{self.plane}"


@dataclass(frozen=True)
class Peer:
    """The other end of one tunnel. `preshared_key` is the name its secret is kept under."""

    gateway: GatewayId
    public_key: str
    preshared_key: str
    address: IPv4Address
    allowed_ips: tuple[IPv4Network, ...]
    endpoint: str | None
    keepalive_s: int | None


@dataclass(frozen=True)
class Interface:
    """One WireGuard interface: to all neighbours' gateways of one plane, with one generation of keys."""

    plane: str
    generation: int
    address: IPv4Address
    port: int
    mtu: int
    peers: tuple[Peer, ...]

    def name(self, host: HostSpec) -> str:
        """What it is called on its machine."""
        return f"{host.prefix}{self.plane}{self.generation}"


@dataclass(frozen=True)
class Route:
    """A way to a neighbour's range: the peer at `via`, over an interface. The lowest `rank` that lives is taken."""

    range: IPv4Network
    via: IPv4Address
    plane: str
    generation: int
    rank: int


@dataclass(frozen=True)
class GatewayPlan:
    """Everything a gateway's configuration is rendered from, but its machine and its secrets."""

    gateway: GatewayId
    ranges: tuple[IPv4Network, ...]
    neighbour_ranges: tuple[IPv4Network, ...]
    tunnel_range: IPv4Network
    interfaces: tuple[Interface, ...]
    routes: tuple[Route, ...]

    @property
    def ports(self) -> tuple[int, ...]:
        """The UDP ports it listens on."""
        return tuple(sorted(interface.port for interface in self.interfaces))


@dataclass(frozen=True)
class Path:
    """The tunnel that carries one site's packets to another: from which gateway to which, with which keys."""

    source: GatewayId
    target: GatewayId
    generation: int


def tunnel_mtu(underlay_mtu: int) -> int:
    """Bytes of a packet that passes a tunnel whole: 1420 of 1500."""
    return underlay_mtu - TUNNEL_OVERHEAD


def tunnel_address(tunnel_range: IPv4Network, site: SiteSpec, plane: str, generation: int) -> IPv4Address:
    """A gateway's address in the mesh. Follows from the site's number alone, so other sites come and go beside it."""
    offset = site.number * ADDRESSES_A_SITE + PLANES.index(plane) * 2 + generation % 2
    if offset >= tunnel_range.num_addresses:
        raise MeshError(f"site {site.name}: its number {site.number} lies beyond the tunnel range {tunnel_range}")
    return tunnel_range[offset]


def preshared_key_name(one: GatewayId, other: GatewayId, generation: int) -> str:
    """What a pair's preshared key is called: the same on both sides."""
    first, second = sorted((one, other))
    return f"{first}_{second}_{generation}"


class Mesh:
    """A mesh that can be asked for its parts. Raises MeshError where a spec breaks what the rules demand."""

    def __init__(self, spec: MeshSpec) -> None:
        self.spec = spec
        self.sites: Mapping[str, SiteSpec] = {site.name: site for site in spec.sites}
        if len(self.sites) < len(spec.sites):
            raise MeshError("two sites have one name")

    @cached_property
    def neighbours(self) -> Mapping[str, tuple[str, ...]]:
        """Each site's neighbours, sorted. A pair is joined if either names the other, or if both leave it open."""
        joined: dict[str, set[str]] = {name: set() for name in self.sites}
        open_sites = {site.name for site in self.spec.sites if site.neighbours is None}
        for name in open_sites:
            joined[name] = open_sites - {name}
        for site in self.spec.sites:
            for other in site.neighbours or ():
                if other not in self.sites or other == site.name:
                    raise MeshError(f"site {site.name}: {other} is no other site of the mesh")
                joined[site.name].add(other)
                joined[other].add(site.name)
        for name, others in joined.items():
            if len(others) > MAX_NEIGHBOURS:
                raise MeshError(f"site {name} has {len(others)} neighbours; at most {MAX_NEIGHBOURS}")
        return {name: tuple(sorted(others)) for name, others in joined.items()}

    def gateway(self, gateway: GatewayId) -> GatewayPlan:
        """The plan of one gateway. Time grows with its neighbours, not with the mesh."""
        site = self.sites[gateway.site]
        own = _own(site, gateway.plane)
        others = [self.sites[name] for name in self.neighbours[site.name]]
        interfaces = tuple(self._interfaces(site, own, others))
        return GatewayPlan(
            gateway=gateway,
            ranges=tuple(sorted(site.ranges)),
            neighbour_ranges=tuple(sorted(each for other in others for each in other.ranges)),
            tunnel_range=self.spec.tunnel_range,
            interfaces=interfaces,
            routes=tuple(self._routes(interfaces)),
        )

    def gateways(self) -> Iterator[GatewayPlan]:
        """The plan of every gateway."""
        for site in self.spec.sites:
            for own in site.gateways:
                yield self.gateway(GatewayId(site.name, own.plane))

    def path(self, source: str, target: str, alive: Collection[GatewayId]) -> Path | None:
        """The one path a site's packets to a neighbour take while the gateways `alive` live; None where none is left.

        The site's routers take the first of its gateways that offers the range; that gateway takes its best route.
        """
        for own in sorted(self.sites[source].gateways, key=lambda each: each.plane):
            here = GatewayId(source, own.plane)
            if here in alive:
                for plane, generation in self._preference(self.sites[target]):
                    if GatewayId(target, plane) in alive:
                        return Path(here, GatewayId(target, plane), generation)
        return None

    def mtu(self, site: SiteSpec) -> int:
        """Bytes of a packet in a site's tunnels: what fits the narrowest way to a neighbour, or what the site asks."""
        narrowest = min([site.underlay_mtu, *(self.sites[name].underlay_mtu for name in self.neighbours[site.name])])
        fits = tunnel_mtu(narrowest)
        if site.mtu is not None and site.mtu > fits:
            raise MeshError(
                f"site {site.name}: mtu {site.mtu} is too large; a path of {narrowest} bytes carries {fits}"
            )
        if min(fits, site.mtu or fits) < MIN_MTU:
            raise MeshError(f"site {site.name}: its tunnels would carry less than {MIN_MTU} bytes")
        return site.mtu or fits

    def _preference(self, target: SiteSpec) -> list[tuple[str, int]]:
        """A neighbour's gateways and generations, best first: both ends choose alike, so answers come the same way."""
        planes = sorted(own.plane for own in target.gateways)
        return [(plane, generation) for plane in planes for generation in self.spec.generations]

    def _interfaces(self, site: SiteSpec, own: GatewaySpec, others: list[SiteSpec]) -> Iterator[Interface]:
        mtu = self.mtu(site)
        for generation in self.spec.generations:
            for plane in sorted({each.plane for other in others for each in other.gateways}):
                yield Interface(
                    plane=plane,
                    generation=generation,
                    address=tunnel_address(self.spec.tunnel_range, site, own.plane, generation),
                    port=_port(own, plane, generation),
                    mtu=mtu,
                    peers=tuple(
                        self._peer(site, own, other, their, generation)
                        for other in others
                        for their in other.gateways
                        if their.plane == plane
                    ),
                )

    def _peer(self, site: SiteSpec, own: GatewaySpec, other: SiteSpec, their: GatewaySpec, generation: int) -> Peer:
        if own.endpoint is None and their.endpoint is None:
            raise MeshError(f"sites {site.name} and {other.name} can both only dial out")
        if generation not in their.public_keys or generation not in own.public_keys:
            raise MeshError(f"sites {site.name} and {other.name}: a gateway has no key of generation {generation}")
        here, there = GatewayId(site.name, own.plane), GatewayId(other.name, their.plane)
        address = tunnel_address(self.spec.tunnel_range, other, their.plane, generation)
        return Peer(
            gateway=there,
            public_key=their.public_keys[generation],
            preshared_key=preshared_key_name(here, there, generation),
            address=address,
            allowed_ips=(IPv4Network(address), *sorted(other.ranges)),
            # The interface a neighbour has for our plane is the one that knows us.
            endpoint=_endpoint(their, _port(their, own.plane, generation)),
            keepalive_s=None if their.endpoint is None else KEEPALIVE_S,
        )

    def _routes(self, interfaces: tuple[Interface, ...]) -> Iterator[Route]:
        for interface in interfaces:
            rank = 2 * PLANES.index(interface.plane) + self.spec.generations.index(interface.generation)
            for peer in interface.peers:
                for each in sorted(self.sites[peer.gateway.site].ranges):
                    yield Route(each, peer.address, interface.plane, interface.generation, rank)


def _own(site: SiteSpec, plane: str) -> GatewaySpec:
    return next(each for each in site.gateways if each.plane == plane)


def _port(gateway: GatewaySpec, plane: str, generation: int) -> int:
    return gateway.port + len(PLANES) * (generation % 2) + PLANES.index(plane)


def _endpoint(gateway: GatewaySpec, port: int) -> str | None:
    if gateway.endpoint is None:
        return None
    return f"[{gateway.endpoint}]:{port}" if isinstance(gateway.endpoint, IPv6Address) else f"{gateway.endpoint}:{port}"
