"""The mesh between sites."""

from ipaddress import IPv4Address, IPv6Address, ip_address
from typing import Annotated, Literal

from pydantic import BeforeValidator, Field

from components.cluster.catalogue import GPU_CLASSES, GpuClass
from components.network.mesh.spec import FIRST_PORT, PLANES, PORTS_A_GATEWAY, Plane
from components.quantities import MIN_MEMORY_GIB
from infra.settings.fields import LABEL_REMEDY, Cidr, Name, Port, Section, Setting, wrong

_GENERATION_REMEDY = "List the live generations of keys, the preferred one first; two while keys are rotated"
_KEYS_REMEDY = "List a public key for each live generation; `moltghost mesh keys` prints them"
_PORT_REMEDY = f"Give the first of {PORTS_A_GATEWAY} UDP ports in a row, 1 to {65536 - PORTS_A_GATEWAY}"
_GATEWAYS_REMEDY = f"List 2 to {len(PLANES)} gateways: with one, its loss is the site's"
_EXAMPLE_KEY = "A" * 43 + "="


def _address(value: object) -> IPv4Address | IPv6Address:
    if not isinstance(value, str):
        raise wrong("must be an address, as text")
    try:
        return ip_address(value)
    except ValueError:
        raise wrong("is not an address; names are not asked for at a gateway") from None


Address = Annotated[IPv4Address | IPv6Address, BeforeValidator(_address)]


def _v4(value: object) -> IPv4Address:
    found = _address(value)
    if not isinstance(found, IPv4Address):
        raise wrong("is not an IPv4 address")
    return found


Interface = Annotated[str, Field(pattern=r"^[a-z][a-z0-9.-]{0,14}$")]
PublicKey = Annotated[str, Field(pattern=r"^[A-Za-z0-9+/]{42}[AEIMQUYcgkosw048]=$")]
Generation = Annotated[int, Field(ge=1)]


class GatewayKey(Section):
    """A gateway's public key of one generation."""

    generation: Annotated[Generation, Setting(1, "Number generations from 1 up")]
    key: Annotated[PublicKey, Setting(_EXAMPLE_KEY, "Copy what `moltghost mesh keys` printed: 44 characters")]


class GatewayMachine(Section):
    """A machine outside the cloud that is a gateway: how it is reached by SSH, and where it stands in its site."""

    address: Annotated[
        str,
        Field(pattern=r"^[A-Za-z0-9]([-.:A-Za-z0-9]{0,251}[A-Za-z0-9])?$"),
        Setting("gw-a.example.com", "Give the name or address its SSH answers at"),
    ]
    user: Annotated[
        Literal["root"], Setting("root", "It is configured as root: the packet filter and tunnels are root's")
    ] = "root"
    host_key: Annotated[
        str,
        Field(pattern=r"^(ssh-ed25519|ssh-rsa|ecdsa-sha2-nistp(256|384|521)) [A-Za-z0-9+/]+={0,2}$"),
        Setting("ssh-ed25519 AAAA", "Copy its public host key, read at the machine itself: type and key"),
    ]
    underlay: Annotated[Interface, Setting("eth0", "Name the interface WireGuard comes in at")]
    lan: Annotated[Interface, Setting("eth1", "Name the interface its site lies behind; it may be the same")]
    lan_address: Annotated[IPv4Address, BeforeValidator(_v4), Setting("10.0.0.4", "Give its own address in its site")]
    next_hop: Annotated[
        Annotated[IPv4Address, BeforeValidator(_v4)] | None,
        Setting("10.0.0.1", "Give the router its site lies beyond; leave it out where the site is on link"),
    ] = None
    routers: Annotated[
        list[Annotated[IPv4Address, BeforeValidator(_v4)]],
        Setting([], "List the routers it tells by BGP what it reaches; leave it out where routes to it are fixed"),
    ] = Field(default_factory=list)


class SiteGateway(Section):
    """A gateway of a site. The plane orders a site's gateways: traffic takes the first that lives."""

    plane: Annotated[Plane, Setting("a", f"Name its plane: {', '.join(PLANES)}")]
    endpoint: Annotated[
        Address | None, Setting("198.51.100.1", "Give the address others send to; leave it out where it only dials out")
    ] = None
    port: Annotated[int, Field(ge=1, le=65536 - PORTS_A_GATEWAY), Setting(FIRST_PORT, _PORT_REMEDY)] = FIRST_PORT
    keys: Annotated[list[GatewayKey], Field(min_length=1), Setting([], _KEYS_REMEDY)]
    machine: GatewayMachine | None = None
    """The machine it is, where the global stack is to configure it; a region makes its own."""


class Site(Section):
    """A place whose machines other places reach: a region, a point of presence, GPUs outside the cloud, metal."""

    name: Annotated[Name, Setting("example-site", LABEL_REMEDY)]
    kind: Annotated[
        Literal["region", "pop", "gpu", "metal"], Setting("region", "Say what it is: region, pop, gpu or metal")
    ]
    number: Annotated[
        int, Field(ge=0), Setting(0, "Give a number no site has or had: its tunnel addresses follow from it")
    ]
    ranges: Annotated[
        list[Cidr],
        Field(min_length=1),
        Setting(["10.0.0.0/16"], "List the ranges behind its gateways, such as 10.16.0.0/16"),
    ]
    neighbours: Annotated[
        list[Name] | None,
        Setting(None, "List the sites it is joined to; leave it out to join it to all that leave it out"),
    ] = None
    underlay_mtu: Annotated[
        int,
        Field(ge=1280, le=9216),
        Setting(
            1500, "Bytes of a packet that its way to other sites carries whole, 1280 to 9216; 1500 over the Internet"
        ),
    ] = 1500
    mtu: Annotated[
        int | None, Setting(None, "Bytes of a packet in its tunnels; leave it out for the most that fits")
    ] = None
    gateways: Annotated[list[SiteGateway], Field(min_length=2, max_length=len(PLANES)), Setting([], _GATEWAYS_REMEDY)]


class MeshSettings(Section):
    """What all sites share."""

    tunnel_range: Annotated[Cidr, Setting("10.255.0.0/16", "Give a range of the fleet's own that no site has")]
    generations: Annotated[list[Generation], Field(min_length=1, max_length=2), Setting([1], _GENERATION_REMEDY)] = (
        Field(default_factory=lambda: [1])
    )


class SiteNodes(Section):
    """Machines of another site that are nodes of the region's cluster: all of one kind, for agents alone."""

    site: Annotated[Name, Setting("dc1", "Name a site of the global stack, of kind gpu or metal, joined to the region")]
    gpu_class: Annotated[GpuClass, Setting("l40s", f"Name the class of their GPUs: {', '.join(GPU_CLASSES)}")]
    machines: Annotated[int, Field(ge=1, le=450), Setting(1, "Say how many machines may join at most, 1 to 450")]
    gpus: Annotated[int, Field(ge=1, le=16), Setting(8, "Say how many GPUs each has, 1 to 16")]
    cpu: Annotated[float, Field(ge=0.1, le=1024), Setting(8, "Give the cores each has for one agent, beside its GPU")]
    memory_gib: Annotated[
        float, Field(ge=MIN_MEMORY_GIB, le=4096), Setting(64, "Give the GiB each has for one agent, beside its GPU")
    ]


class RegionMesh(Section):
    """A region's own gateways, in the network its stack makes. Which sites they are joined to says the global stack."""

    joined: Annotated[
        bool, Setting(True, "`false` makes the gateways' addresses alone, which other sites must be told first")
    ] = True
    gateways: Annotated[
        int,
        Field(ge=2, le=len(PLANES)),
        Setting(2, f"Have 2 to {len(PLANES)} gateways, each in a zone of its own: with one, its loss is the region's"),
    ] = 2
    image: Annotated[
        str,
        Field(pattern=r"^ami-[0-9a-f]{8,17}$"),
        Setting(
            "ami-0123456789abcdef0", "Give an AMI of its AWS region: Debian or Ubuntu with cloud-init and SSM's agent"
        ),
    ]
    instance_type: Annotated[
        str,
        Field(pattern=r"^[a-z0-9-]+\.[a-z0-9]+$"),
        Setting("c7gn.large", "Name an instance type of the image's processor; its network is the mesh's"),
    ] = "c7gn.large"
    interface: Annotated[
        Interface, Setting("ens5", "Name the network interface as the image calls it: ens5 on Nitro instances")
    ] = "ens5"
    routing: Annotated[
        Literal["route-server", "static"],
        Setting(
            "route-server", "`static` where AWS has no VPC Route Server: an operator moves a lost gateway's routes"
        ),
    ] = "route-server"
    ports: Annotated[
        list[Port], Setting([], "List TCP ports of nodes that other sites may reach; leave it out for the API alone")
    ] = Field(default_factory=list)
    nodes_at: Annotated[
        list[SiteNodes], Setting([], "List the sites whose machines are nodes of its cluster; leave it out for none")
    ] = Field(default_factory=list)
