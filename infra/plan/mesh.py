"""Rules about the mesh of sites, and the mesh that follows from settings that pass them."""

from collections.abc import Iterator, Sequence
from ipaddress import IPv4Network
from itertools import chain

from components.network.mesh.planning import MIN_MTU, tunnel_mtu
from components.network.mesh.spec import (
    ADDRESSES_A_SITE,
    MAX_NEIGHBOURS,
    PORTS_A_GATEWAY,
    GatewaySpec,
    MeshSpec,
    SiteSpec,
)
from infra.plan.identity import repeated
from infra.settings.mesh import MeshSettings, Site
from infra.settings.problems import Problem

_SITES = "moltghost:sites"
_MESH = "moltghost:mesh"


def mesh_problems(mesh: MeshSettings, sites: Sequence[Site]) -> Iterator[Problem]:
    """Everything wrong with a fleet's mesh, in no order."""
    return chain.from_iterable(rule(mesh, sites) for rule in RULES)


def mesh_spec(mesh: MeshSettings, sites: Sequence[Site]) -> MeshSpec:
    """The mesh as components take it. What `mesh_problems` finds must have been seen."""
    return MeshSpec(
        tunnel_range=mesh.tunnel_range,
        generations=tuple(mesh.generations),
        sites=tuple(_site_spec(site) for site in sites),
    )


def _site_spec(site: Site) -> SiteSpec:
    return SiteSpec(
        name=site.name,
        number=site.number,
        ranges=tuple(site.ranges),
        neighbours=None if site.neighbours is None else tuple(site.neighbours),
        underlay_mtu=site.underlay_mtu,
        mtu=site.mtu,
        gateways=tuple(
            GatewaySpec(
                plane=each.plane,
                endpoint=each.endpoint,
                port=each.port,
                public_keys={key.generation: key.key for key in each.keys},
            )
            for each in site.gateways
        ),
    )


def joined_pairs(sites: Sequence[Site]) -> Iterator[tuple[int, int]]:
    """The pairs of sites that are joined, by place: either names the other, or both leave it open."""
    at = {site.name: place for place, site in enumerate(sites)}
    named = {
        (min(place, at[other]), max(place, at[other]))
        for place, site in enumerate(sites)
        for other in site.neighbours or ()
        if other in at and at[other] != place
    }
    open_sites = [place for place, site in enumerate(sites) if site.neighbours is None]
    yield from sorted(named | {(one, two) for one in open_sites for two in open_sites if one < two})


def sites_are_told_apart(_mesh: MeshSettings, sites: Sequence[Site]) -> Iterator[Problem]:
    """Names and numbers are a site's own, and planes a gateway's of its site."""
    yield from repeated([(f"{_SITES}[{at}].name", site.name) for at, site in enumerate(sites)], "a site's name")
    yield from repeated([(f"{_SITES}[{at}].number", site.number) for at, site in enumerate(sites)], "a site's number")
    for at, site in enumerate(sites):
        planes = [(f"{_SITES}[{at}].gateways[{each}].plane", own.plane) for each, own in enumerate(site.gateways)]
        yield from repeated(planes, "a gateway's plane")


def numbers_fit(mesh: MeshSettings, sites: Sequence[Site]) -> Iterator[Problem]:
    """The tunnel range has addresses for every site's number."""
    room = mesh.tunnel_range.num_addresses // ADDRESSES_A_SITE
    for at, site in enumerate(sites):
        if site.number >= room:
            message = f"has no addresses in the tunnel range {mesh.tunnel_range}, which holds {room} sites"
            remedy = f"Give a free number below {room}, or the mesh a wider range"
            yield Problem(f"{_SITES}[{at}].number", message, remedy, site.number, (f"{_MESH}.tunnel_range",))


def ranges_are_apart(mesh: MeshSettings, sites: Sequence[Site]) -> Iterator[Problem]:
    """No two ranges of the mesh overlap: a packet has one place to go."""
    places = [(f"{_MESH}.tunnel_range", mesh.tunnel_range)]
    places += [
        (f"{_SITES}[{at}].ranges[{each}]", network)
        for at, site in enumerate(sites)
        for each, network in enumerate(site.ranges)
        if network.prefixlen > 0
    ]
    places.sort(key=lambda place: (place[1].network_address, place[1].prefixlen))
    widest: tuple[str, IPv4Network] | None = None
    for path, network in places:
        if widest is not None and widest[1].overlaps(network):
            yield Problem(
                path,
                f"overlaps {widest[0]} ({widest[1]})",
                "Give each site ranges of its own",
                str(network),
                (widest[0],),
            )
        if widest is None or network.broadcast_address > widest[1].broadcast_address:
            widest = (path, network)


def no_site_is_the_world(_mesh: MeshSettings, sites: Sequence[Site]) -> Iterator[Problem]:
    """No gateway is allowed every address: its peers would send it all they have no other way for."""
    for at, site in enumerate(sites):
        for each, network in enumerate(site.ranges):
            if network.prefixlen == 0:
                path = f"{_SITES}[{at}].ranges[{each}]"
                remedy = "List the ranges the site has, such as 10.16.0.0/16, and nothing wider"
                yield Problem(path, "is every address there is", remedy, str(network))


def neighbours_are_sites(_mesh: MeshSettings, sites: Sequence[Site]) -> Iterator[Problem]:
    """A neighbour is another site of the list, named once."""
    names = {site.name for site in sites}
    for at, site in enumerate(sites):
        listed = [(f"{_SITES}[{at}].neighbours[{each}]", name) for each, name in enumerate(site.neighbours or ())]
        yield from repeated(listed, "a neighbour")
        for path, name in listed:
            if name == site.name:
                yield Problem(path, "is the site itself", "Name other sites alone", name)
            elif name not in names:
                yield Problem(path, "is no site", f"Name sites of {_SITES}", name, (_SITES,))


def neighbours_are_few(_mesh: MeshSettings, sites: Sequence[Site]) -> Iterator[Problem]:
    """No site has more neighbours than its gateways can hold keys for."""
    count = [0] * len(sites)
    for pair in joined_pairs(sites):
        for at in pair:
            count[at] += 1
    for at, site in enumerate(sites):
        if count[at] > MAX_NEIGHBOURS:
            remedy = (
                f"Join it to {MAX_NEIGHBOURS} sites at most: list `neighbours`, hubs for sites of a kind (docs/mesh.md)"
            )
            yield Problem(f"{_SITES}[{at}]", f"is joined to {count[at]} sites", remedy, site.name)


def one_end_can_be_called(_mesh: MeshSettings, sites: Sequence[Site]) -> Iterator[Problem]:
    """Of two gateways that are joined one has an endpoint at least: two that only dial out never meet."""
    callers = {
        at: [each for each, own in enumerate(site.gateways) if own.endpoint is None] for at, site in enumerate(sites)
    }
    for one, two in joined_pairs(sites):
        if callers[one] and callers[two]:
            path = f"{_SITES}[{two}].gateways[{callers[two][0]}].endpoint"
            other = f"{_SITES}[{one}].gateways[{callers[one][0]}].endpoint"
            message = f"is missing at both ends: {sites[one].name} and {sites[two].name} can only dial out"
            yield Problem(path, message, "Give one of the two an endpoint, or don't join them", None, (other,))


def mtus_fit(_mesh: MeshSettings, sites: Sequence[Site]) -> Iterator[Problem]:
    """A site's tunnels carry no larger packets than the narrowest way to a neighbour, and none too small."""
    narrowest = [(site.underlay_mtu, at) for at, site in enumerate(sites)]
    for one, two in joined_pairs(sites):
        narrowest[one] = min(narrowest[one], (sites[two].underlay_mtu, two))
        narrowest[two] = min(narrowest[two], (sites[one].underlay_mtu, one))
    for at, site in enumerate(sites):
        way, by = narrowest[at]
        fits, path, limit = tunnel_mtu(way), f"{_SITES}[{at}].mtu", f"{_SITES}[{by}].underlay_mtu"
        if site.mtu is not None and site.mtu > fits:
            message = f"is too large: the way to {sites[by].name} carries {way} bytes, a tunnel in it {fits}"
            yield Problem(path, message, f"Give {fits} or less, or leave it out", site.mtu, (limit,))
        elif site.mtu is not None and site.mtu < MIN_MTU:
            yield Problem(path, "is too small for IP", f"Give {MIN_MTU} to {fits}, or leave it out", site.mtu, (limit,))
        elif fits < MIN_MTU:
            least = MIN_MTU + site.underlay_mtu - tunnel_mtu(site.underlay_mtu)
            message = f"leaves a tunnel {fits} bytes; IP needs {MIN_MTU}"
            own = f"{_SITES}[{at}].underlay_mtu"
            yield Problem(
                own, message, f"Join the site by a way that carries {least} bytes", site.underlay_mtu, (limit,)
            )


def endpoints_are_apart(_mesh: MeshSettings, sites: Sequence[Site]) -> Iterator[Problem]:
    """No two gateways at one address want the same ports."""
    taken: dict[object, list[tuple[int, str]]] = {}
    for at, site in enumerate(sites):
        for each, own in enumerate(site.gateways):
            path = f"{_SITES}[{at}].gateways[{each}]"
            if own.endpoint is None:
                continue
            for port, other in taken.get(own.endpoint, []):
                if abs(port - own.port) < PORTS_A_GATEWAY:
                    message = (
                        f"shares ports with {other} at {own.endpoint}: each takes {PORTS_A_GATEWAY} from its first"
                    )
                    remedy = f"Give it {port + PORTS_A_GATEWAY}, or an address of its own"
                    yield Problem(f"{path}.port", message, remedy, own.port, (f"{other}.port", f"{path}.endpoint"))
                    break
            taken.setdefault(own.endpoint, []).append((own.port, path))


def generations_can_overlap(mesh: MeshSettings, _sites: Sequence[Site]) -> Iterator[Problem]:
    """Two live generations follow each other: odd and even ones have their own ports and addresses."""
    if len(mesh.generations) == 2 and abs(mesh.generations[0] - mesh.generations[1]) != 1:
        path, remedy = f"{_MESH}.generations[1]", "Follow a generation by the next number"
        yield Problem(path, "doesn't follow the other generation", remedy, mesh.generations[1], (_MESH,))


def keys_are_there(mesh: MeshSettings, sites: Sequence[Site]) -> Iterator[Problem]:
    """Every gateway has a key of every live generation, and one of each."""
    for at, site in enumerate(sites):
        for each, own in enumerate(site.gateways):
            path = f"{_SITES}[{at}].gateways[{each}].keys"
            listed = [key.generation for key in own.keys]
            yield from repeated(
                [(f"{path}[{place}].generation", number) for place, number in enumerate(listed)], "a key's generation"
            )
            for number in mesh.generations:
                if number not in listed:
                    remedy = "Add what `moltghost mesh keys` prints for it"
                    yield Problem(path, f"has none of generation {number}", remedy, listed, (f"{_MESH}.generations",))


def keys_are_one_gateways(_mesh: MeshSettings, sites: Sequence[Site]) -> Iterator[Problem]:
    """No public key is there twice: WireGuard tells peers apart by nothing else, and a new generation is a new key."""
    yield from repeated(
        [
            (f"{_SITES}[{at}].gateways[{each}].keys[{place}].key", key.key)
            for at, site in enumerate(sites)
            for each, own in enumerate(site.gateways)
            for place, key in enumerate(own.keys)
        ],
        "a gateway's public key",
    )


RULES = (
    sites_are_told_apart,
    numbers_fit,
    ranges_are_apart,
    no_site_is_the_world,
    neighbours_are_sites,
    neighbours_are_few,
    one_end_can_be_called,
    mtus_fit,
    endpoints_are_apart,
    generations_can_overlap,
    keys_are_there,
    keys_are_one_gateways,
)
