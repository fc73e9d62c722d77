"""Meshes for tests to depart from."""

import base64
import hashlib
import json
from ipaddress import IPv4Address, IPv4Network

from components.network.mesh.keys import needed_keys, private_key_name
from components.network.mesh.planning import GatewayId, Mesh
from components.network.mesh.spec import GatewaySpec, HostSpec, MeshSpec, SiteSpec
from infra import mesh_keys

TUNNELS = IPv4Network("10.255.0.0/16")


def public_key(name: str) -> str:
    """32 bytes that look like a key, other ones for each name."""
    return base64.b64encode(hashlib.sha256(name.encode()).digest()).decode()


def site(
    number: int,
    *,
    neighbours: tuple[str, ...] | None = None,
    dials: bool = False,
    planes: str = "ab",
    underlay_mtu: int = 1500,
    mtu: int | None = None,
    generations: tuple[int, ...] = (1, 2),
) -> SiteSpec:
    """Site number so-and-so: 10.n.n.0/24 behind its gateways at 198.18.x.y."""
    name = f"s{number}"
    return SiteSpec(
        name=name,
        number=number,
        ranges=(IPv4Network((0x0A000000 + (number << 8), 24)),),
        neighbours=neighbours,
        underlay_mtu=underlay_mtu,
        mtu=mtu,
        gateways=tuple(
            GatewaySpec(
                plane=plane,  # type: ignore[arg-type]
                endpoint=None if dials else IPv4Address(0xC6120000 + number * 4 + at),
                public_keys={each: public_key(f"{name}{plane}{each}") for each in generations},
            )
            for at, plane in enumerate(planes)
        ),
    )


def mesh(*sites: SiteSpec, generations: tuple[int, ...] = (1,)) -> MeshSpec:
    """A mesh of sites."""
    return MeshSpec(tunnel_range=TUNNELS, generations=generations, sites=sites)


HOST = HostSpec(
    underlay="eth0",
    lan="eth1",
    address=IPv4Address("10.0.1.4"),
    next_hop=IPv4Address("10.0.1.1"),
    routers=(IPv4Address("10.0.1.2"), IPv4Address("10.0.1.3")),
)

EXAMPLE = mesh(site(1), site(2), site(3, dials=True, neighbours=("s1",)), generations=(1, 2))
EXAMPLE_GATEWAY = GatewayId("s1", "a")


def with_keys(spec: MeshSpec, generations: tuple[int, ...]) -> tuple[MeshSpec, str]:
    """A mesh whose gateways have real key pairs of some generations, and all its secrets as they are stored."""
    every = Mesh(spec.model_copy(update={"generations": generations}))
    keys = mesh_keys.complete({}, sorted({name for plan in every.gateways() for name in needed_keys(plan)}))
    sites = [_with_public_keys(each, keys, generations) for each in spec.sites]
    return spec.model_copy(update={"sites": tuple(sites)}), json.dumps(keys)


def _with_public_keys(site: SiteSpec, keys: dict[str, str], generations: tuple[int, ...]) -> SiteSpec:
    def public(plane: str, generation: int) -> str:
        return mesh_keys.public_key(keys[private_key_name(GatewayId(site.name, plane), generation)])

    gateways = [
        each.model_copy(update={"public_keys": {number: public(each.plane, number) for number in generations}})
        for each in site.gateways
    ]
    return site.model_copy(update={"gateways": tuple(gateways)})
