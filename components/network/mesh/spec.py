"""What the mesh joins, as plain values."""

from ipaddress import IPv4Address, IPv4Network, IPv6Address
from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from components.labels import Region
from components.values import Label, Values

Plane = Literal["a", "b", "c", "d"]

PLANES: tuple[Plane, ...] = ("a", "b", "c", "d")
"""A site's gateways in order of preference. Each lies in a plane of its own: see `planning.py`."""

FIRST_PORT = 51820
"""The first of the UDP ports a gateway listens on, where nothing else is said."""

PORTS_A_GATEWAY = 2 * len(PLANES)
"""A port for each plane of the others, twice: two generations of keys overlap while they are rotated."""

ADDRESSES_A_SITE = 2 * len(PLANES)
"""Tunnel addresses: one for each gateway and generation of keys that may be live at once."""

MAX_NEIGHBOURS = 100
"""Sites one site may be joined to. Each of its gateways holds two preshared keys a neighbour and generation;
with two generations live, all of them and its files must fit one secret (see `delivery.py`)."""

WireGuardKey = Annotated[str, Field(pattern=r"^[A-Za-z0-9+/]{42}[AEIMQUYcgkosw048]=$")]
"""32 bytes in base64, as `wg` writes keys."""

Generation = Annotated[int, Field(ge=1)]


class GatewaySpec(Values):
    """One gateway of a site. Without `endpoint` it only dials out. `port` is the first of PORTS_A_GATEWAY in a row."""

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


GATEWAY_ASN, ROUTER_ASN = 64513, 64512
"""The private AS numbers gateways and a site's routers speak BGP with (RFC 6996)."""


class HostSpec(Values):
    """The machine a gateway runs on.

    WireGuard comes in at `underlay`; the site lies behind `lan` (the same interface on a machine that has one), beyond
    `next_hop` where it is not on link. `routers` are told by BGP what the gateway reaches, and by BFD that it lives; a
    site without any has fixed routes to one gateway. Interfaces are called `prefix`, plane, generation.
    """

    underlay: str = Field(pattern=r"^[a-z][a-z0-9.-]{0,14}$")
    lan: str = Field(pattern=r"^[a-z][a-z0-9.-]{0,14}$")
    address: IPv4Address
    next_hop: IPv4Address | None = None
    routers: tuple[IPv4Address, ...] = ()
    gateway_asn: int = Field(default=GATEWAY_ASN, ge=64512, le=65534)
    router_asn: int = Field(default=ROUTER_ASN, ge=64512, le=65534)
    prefix: str = Field(default="wg", pattern=r"^[a-z][a-z0-9]{0,8}$")


class CloudGatewaySpec(Values):
    """Where one of a region's gateways stands: its plane, and its zone.

    `next_hop` is the router of that zone's public subnet, the first address of it. The gateway's own address there AWS
    chooses: NAT gateways and route servers take theirs from the same subnet, and one that is asked for may be gone.
    """

    plane: Plane
    zone: str = Field(pattern=r"^[a-z]{2}(-[a-z]+)+-\d[a-z]$")
    next_hop: IPv4Address


class GatewaysSpec(Values):
    """A region's gateways: instances of one type and image, each in a zone of its own.

    `image` is an AMI of Debian or Ubuntu with cloud-init and the SSM agent. `routing`: `route-server` moves the VPC's
    routes when a gateway is lost; `static` leaves them with the first gateway, for regions without VPC Route Server.
    """

    site: Label
    region: Region
    aws_region: str
    account_id: str = Field(pattern=r"^\d{12}$")
    image: str = Field(pattern=r"^ami-[0-9a-f]{8,17}$")
    instance_type: str = Field(pattern=r"^[a-z0-9-]+\.[a-z0-9-]+$")
    interface: str = Field(default="ens5", pattern=r"^[a-z][a-z0-9.-]{0,14}$")
    gateways: tuple[CloudGatewaySpec, ...] = Field(min_length=2, max_length=len(PLANES))
    routing: Literal["route-server", "static"] = "route-server"
    key_deletion_window_days: int = Field(default=30, ge=7, le=30)

    @model_validator(mode="after")
    def _apart(self) -> Self:
        for what, named in (("planes", "plane"), ("zones", "zone")):
            if len({getattr(each, named) for each in self.gateways}) < len(self.gateways):
                raise ValueError(f"gateways: two of them share {what}; the loss of one would be the loss of both")
        return self
