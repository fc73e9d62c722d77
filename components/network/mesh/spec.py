"""What the mesh joins, as plain values."""

from ipaddress import IPv4Address, IPv4Network, IPv6Address
from typing import Annotated, Literal

from pydantic import Field

from components.values import Label, Values

PLANES = ("a", "b", "c", "d")
"""A site's gateways in order of preference. Each lies in a plane of its own: see `planning.py`."""

FIRST_PORT = 51820
"""The first of the UDP ports a gateway listens on, where nothing else is said."""

PORTS_A_GATEWAY = 2 * len(PLANES)
"""A port for each plane of the others, twice: two generations of keys overlap while they are rotated."""

ADDRESSES_A_SITE = 2 * len(PLANES)
"""Tunnel addresses: one for each gateway and generation of keys that may be live at once."""

MAX_NEIGHBOURS = 200
"""Sites one site may be joined to. Each of its gateways holds two preshared keys a neighbour and generation, which must
fit one secret of 64 KiB (https://docs.aws.amazon.com/secretsmanager/latest/userguide/reference_limits.html)."""

WireGuardKey = Annotated[str, Field(pattern=r"^[A-Za-z0-9+/]{42}[AEIMQUYcgkosw048]=$")]
"""32 bytes in base64, as `wg` writes keys."""

Plane = Literal["a", "b", "c", "d"]
Generation = Annotated[int, Field(ge=1)]


class GatewaySpec(Values):
    """One gateway of a site. Without an `endpoint` it can only dial out. `port` is the first of PORTS_A_GATEWAY in a row."""

    plane: Plane
    endpoint: IPv4Address | IPv6Address | None = None
    port: int = Field(default=FIRST_PORT, ge=1, le=65536 - PORTS_A_GATEWAY)
    public_keys: dict[Generation, WireGuardKey]


class SiteSpec(Values):
    """A place with `ranges` of addresses behind at least two gateways.

    `number` gives its tunnel addresses and is never another site's. `neighbours` are the sites it is joined to; None
    joins it to every site that says None as well. `underlay_mtu`: bytes of an IP packet that passes between it and its
    neighbours whole. `mtu`: bytes of a packet in its tunnels; None takes the largest that fits.
    """

    name: Label
    number: int = Field(ge=0)
    ranges: tuple[IPv4Network, ...] = Field(min_length=1)
    neighbours: tuple[Label, ...] | None = None
    underlay_mtu: int = Field(default=1500, ge=1280, le=9216)
    mtu: int | None = None
    gateways: tuple[GatewaySpec, ...] = Field(min_length=2, max_length=len(PLANES))


class MeshSpec(Values):
    """The whole mesh. `generations` of keys that are live, the preferred one first: two while keys are rotated."""

    tunnel_range: IPv4Network
    generations: tuple[Generation, ...] = Field(min_length=1, max_length=2)
    sites: tuple[SiteSpec, ...]


class HostSpec(Values):
    """The machine a gateway runs on.

    WireGuard comes in at `underlay`; the site lies behind `lan` (the same interface on a machine that has one), beyond
    `next_hop` where it is not on link. `routers` are the site's routers, told by BGP what the gateway reaches, and by
    BFD that it lives. Interfaces are called `prefix`, plane, generation: unique on the machine.
    """

    underlay: str = Field(pattern=r"^[a-z][a-z0-9.-]{0,14}$")
    lan: str = Field(pattern=r"^[a-z][a-z0-9.-]{0,14}$")
    address: IPv4Address
    next_hop: IPv4Address | None = None
    routers: tuple[IPv4Address, ...] = Field(min_length=1)
    gateway_asn: int = Field(default=64513, ge=64512, le=65534)
    router_asn: int = Field(default=64512, ge=64512, le=65534)
    prefix: str = Field(default="wg", pattern=r"^[a-z][a-z0-9]{0,8}$")
