"""A gateway's files, rendered from its plan: what WireGuard, the packet filter and the routing daemon read."""

from collections.abc import Mapping
from itertools import groupby

from jinja2 import Environment, PackageLoader, StrictUndefined

from components.network.mesh.planning import GatewayPlan
from components.network.mesh.spec import PLANES, HostSpec

APPLY = "apply.sh"
"""The script that puts a folder of these files in force, or goes back to what was before."""

TEMPLATES = Environment(
    loader=PackageLoader("components.network.mesh"),
    undefined=StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
    keep_trailing_newline=True,
    autoescape=False,  # noqa: S701 - no markup: every value is checked by the spec's patterns or is an address
)


def render_gateway(plan: GatewayPlan, host: HostSpec) -> Mapping[str, str]:
    """The files of one gateway by name. They hold no secret: keys are named, and read from files of their own."""
    return {
        "interfaces": _interfaces(plan, host),
        "routes": _routes(plan, host),
        "nftables.nft": render_filter(plan, host),
        "bird.conf": render_routing(plan, host),
        **{
            f"{interface.name(host)}.conf": TEMPLATES.get_template("wireguard.conf.j2").render(interface=interface)
            for interface in plan.interfaces
        },
    }


def render_filter(plan: GatewayPlan, host: HostSpec) -> str:
    """The packet filter: WireGuard from the underlay, the site and its neighbours, and nothing else."""
    names = [f'"{interface.name(host)}"' for interface in plan.interfaces]
    return TEMPLATES.get_template("nftables.nft.j2").render(plan=plan, host=host, names=names)


def render_routing(plan: GatewayPlan, host: HostSpec) -> str:
    """BIRD's configuration: each path's routes while BFD hears its other end; what is reached is told the site."""
    paths = [
        (over, list(routes)) for over, routes in groupby(plan.routes, key=lambda each: (each.plane, each.generation))
    ]
    prepends = PLANES.index(plan.gateway.plane)  # routers take the shortest path: the first plane's gateway
    return TEMPLATES.get_template("bird.conf.j2").render(plan=plan, host=host, paths=paths, prepends=prepends)


def source_of(name: str) -> str:
    """A script or unit as it is, nothing filled in."""
    source, _, _ = PackageLoader("components.network.mesh").get_source(TEMPLATES, name)
    return source


def _interfaces(plan: GatewayPlan, host: HostSpec) -> str:
    # The range's prefix makes every peer a neighbour to BIRD; the routes to them are the file `routes`.
    prefix = plan.tunnel_range.prefixlen
    return "".join(f"{each.name(host)} {each.address}/{prefix} {each.mtu}\n" for each in plan.interfaces)


def _routes(plan: GatewayPlan, host: HostSpec) -> str:
    return "".join(
        f"route replace {peer.address}/32 dev {interface.name(host)} src {interface.address}\n"
        for interface in plan.interfaces
        for peer in interface.peers
    )
