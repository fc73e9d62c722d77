"""Rules about addresses: what may not overlap, and what nobody may be let out to."""

from collections.abc import Iterator
from ipaddress import IPv4Network
from itertools import combinations

from infra.plan.tenants import each_tenant
from infra.settings.kinds import RegionSettings, Tenanted
from infra.settings.models import DevSettings
from infra.settings.problems import Problem

METADATA = IPv4Network("169.254.169.254/32")
"""Where every cloud hands out its credentials."""

LINK_LOCAL = IPv4Network("169.254.0.0/16")

_PRIVATE = ("10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "100.64.0.0/10")
_SPECIAL = (
    "0.0.0.0/8",
    "127.0.0.0/8",
    "192.0.0.0/24",
    "192.0.2.0/24",
    "192.88.99.0/24",
    "198.18.0.0/15",
    "198.51.100.0/24",
    "203.0.113.0/24",
    "224.0.0.0/4",
    "240.0.0.0/4",
)

NEVER: tuple[IPv4Network, ...] = (LINK_LOCAL, *map(IPv4Network, (*_PRIVATE, *_SPECIAL)))
"""Ranges an agent is never let out to: link-local (and metadata in it), private, and those RFC 6890 sets apart."""


def overlapping(networks: dict[str, IPv4Network]) -> list[tuple[str, str]]:
    """The pairs of names whose ranges have an address in common."""
    return [(one, other) for one, other in combinations(networks, 2) if networks[one].overlaps(networks[other])]


def region_networks(settings: DevSettings | RegionSettings) -> dict[str, IPv4Network]:
    """The region's ranges by their paths; none of a region whose ranges are computed."""
    network = settings.region.network
    if network is None:
        return {}
    return {
        "moltghost:region.network.nodes": network.nodes,
        "moltghost:region.network.pods": network.pods,
        "moltghost:region.network.services": network.services,
    }


def networks_are_apart(settings: DevSettings | RegionSettings) -> Iterator[Problem]:
    """A region's ranges don't overlap each other, nor the link-local one."""
    networks = region_networks(settings)
    for one, other in overlapping(networks):
        message = f"overlaps {other} ({networks[other]})"
        yield Problem(one, message, "Give the two ranges no address in common", str(networks[one]), (other,))
    for path, network in networks.items():
        if network.overlaps(LINK_LOCAL):
            yield Problem(path, f"overlaps the link-local range {LINK_LOCAL}", "Take another range", str(network))


def tunnel_is_outside(settings: DevSettings | RegionSettings) -> Iterator[Problem]:
    """The tunnel's address is one address, and no pod's or service's."""
    if settings.machine is None or settings.machine.tunnel_source is None:
        return
    source, path = settings.machine.tunnel_source, "moltghost:machine.tunnel_source"
    if source.prefixlen != 32:
        yield Problem(path, "is more than one address", "Give the tunnel's own address, as …/32", str(source))
    for place, inside in region_networks(settings).items():
        name = place.rpartition(".")[2]
        if name != "nodes" and source.overlaps(inside):
            message = f"lies in the region's {name} range, so that a pod could pass for the tunnel"
            yield Problem(path, message, "Give the tunnel an address of its own", str(source), (place,))


def egress_is_public(settings: Tenanted) -> Iterator[Problem]:
    """No egress rule reaches metadata, a link-local or private address, or the region itself."""
    own = region_networks(settings) if isinstance(settings, DevSettings) else {}
    for where, tenant in each_tenant(settings):
        for agent_at, agent in enumerate(tenant.agents):
            for at, rule in enumerate(agent.egress):
                path = f"{where}.agents[{agent_at}].egress[{at}].cidr"
                opened = _opened(rule.cidr, own)
                if opened:
                    what, involved = opened
                    remedy = "List the public ranges the agent needs, and nothing wider"
                    yield Problem(path, f"opens {what}", remedy, str(rule.cidr), involved)


def _opened(cidr: IPv4Network, own: dict[str, IPv4Network]) -> tuple[str, tuple[str, ...]] | None:
    """What an egress range must not open, but does."""
    if cidr.prefixlen == 0:
        return "every address there is", ()
    if cidr.overlaps(METADATA):
        return f"the cloud's metadata address {METADATA.network_address}", ()
    if cidr.overlaps(LINK_LOCAL):
        return f"link-local addresses ({LINK_LOCAL})", ()
    for path, network in own.items():
        if cidr.overlaps(network):
            return f"the region's own {path.rpartition('.')[2]} ({network})", (path,)
    for network in NEVER:
        if cidr.overlaps(network):
            kind = "private" if str(network) in _PRIVATE else "reserved"
            return f"{kind} addresses ({network})", ()
    return None
