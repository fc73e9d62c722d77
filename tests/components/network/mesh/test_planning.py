"""What holds of every mesh, whatever its sites."""

from ipaddress import IPv4Network, IPv6Address, collapse_addresses
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from components.network.mesh.planning import GatewayId, GatewayPlan, Mesh, MeshError, tunnel_mtu
from components.network.mesh.spec import MAX_NEIGHBOURS, MeshSpec
from tests.components.network.mesh.meshes import EXAMPLE, mesh, site

GENERATIONS = st.sampled_from([(1,), (2,), (1, 2), (2, 1)])


@st.composite
def meshes(draw: st.DrawFn, most: int = 200) -> MeshSpec:
    """Some hubs that join all of their kind, and sites that name neighbours, some of which only dial out."""
    hubs = draw(st.integers(5, 8))
    leaves = draw(st.integers(0, most - 8))
    sites = [site(number, planes=draw(st.sampled_from(["ab", "ab", "abc"]))) for number in range(hubs)]
    names = [each.name for each in sites]
    dialling = draw(st.integers(0, 3))
    for number in range(hubs, hubs + leaves):
        ways = draw(st.integers(1, 2))
        neighbours = tuple(names[(number + step) % hubs] for step in range(ways))
        sites.append(site(number, neighbours=neighbours, dials=number % 4 < dialling))
    return mesh(*draw(st.permutations(sites)), generations=draw(GENERATIONS))


@settings(max_examples=12, deadline=None)
@given(meshes())
def test_allowed_ips_of_an_interface_are_disjoint(spec: MeshSpec) -> None:
    for plan in Mesh(spec).gateways():
        for interface in plan.interfaces:
            allowed = sorted(each for peer in interface.peers for each in peer.allowed_ips)
            assert all(one.broadcast_address < two.network_address for one, two in pairwise(allowed))
            assert not any(each.overlaps(own) for each in allowed for own in plan.ranges)


@settings(max_examples=12, deadline=None)
@given(meshes())
def test_peers_know_each_other_alike(spec: MeshSpec) -> None:
    """A peer of mine has me as its peer: the same preshared key, the port I send to, my address in what it allows."""
    ends = {}
    for plan in Mesh(spec).gateways():
        for interface in plan.interfaces:
            for peer in interface.peers:
                ends[plan.gateway, peer.gateway, interface.generation] = (interface, peer)
    for (here, there, generation), (interface, peer) in ends.items():
        back_interface, back = ends[there, here, generation]
        assert peer.preshared_key == back.preshared_key
        assert peer.address == back_interface.address
        assert IPv4Network(interface.address) in back.allowed_ips
        assert peer.endpoint is None or peer.endpoint.endswith(f":{back_interface.port}")
        assert peer.endpoint or back.endpoint, "neither end can begin"
        assert (peer.keepalive_s is None) == (peer.endpoint is None), "who dials keeps the way open"


@settings(max_examples=12, deadline=None)
@given(meshes())
def test_a_gateways_ports_addresses_and_names_are_its_own(spec: MeshSpec) -> None:
    plans = list(Mesh(spec).gateways())
    for plan in plans:
        assert len(set(plan.ports)) == len(plan.interfaces)
    addresses = [address for plan in plans for address in {each.address for each in plan.interfaces}]
    assert len(set(addresses)) == len(addresses)
    assert all(address in spec.tunnel_range for address in addresses)


@settings(max_examples=20, deadline=None)
@given(meshes(most=40), st.data())
def test_a_pair_has_one_path_while_each_site_has_a_gateway(spec: MeshSpec, data: st.DataObject) -> None:
    """Whatever else is lost. Both ways use the same two gateways, and no pair that was not joined has a path."""
    computed = Mesh(spec)
    alive = {
        GatewayId(each.name, plane)
        for each in spec.sites
        for plane in data.draw(st.sampled_from(["a", "b", "ab", "".join(own.plane for own in each.gateways)]))
    }
    plans: dict[GatewayId, GatewayPlan] = {plan.gateway: plan for plan in computed.gateways()}
    for name, others in computed.neighbours.items():
        for other in others:
            there, back = computed.path(name, other, alive), computed.path(other, name, alive)
            assert there is not None
            assert back is not None
            assert (there.source, there.target) == (back.target, back.source)
            assert there.generation == spec.generations[0]
            assert_routed(plans[there.source], computed, there.target, alive)
        unjoined = set(computed.sites) - set(others) - {name}
        reached = {route.range for own in plans if own.site == name for route in plans[own].routes}
        assert not reached & {each for other in unjoined for each in computed.sites[other].ranges}


def assert_routed(plan: GatewayPlan, computed: Mesh, target: GatewayId, alive: set[GatewayId]) -> None:
    """The best route whose other end lives is one, and goes to `target`: what the routing daemon will choose."""
    peers = {(each.generation, peer.address): peer.gateway for each in plan.interfaces for peer in each.peers}
    for network in computed.sites[target.site].ranges:
        living = [
            (route.rank, peers[route.generation, route.via])
            for route in plan.routes
            if route.range == network and peers[route.generation, route.via] in alive
        ]
        assert len({rank for rank, _ in living}) == len(living), "two routes of one rank"
        assert min(living)[1] == target


@settings(max_examples=20, deadline=None)
@given(meshes(most=60), st.data())
def test_a_site_that_goes_or_comes_changes_its_neighbours_alone(spec: MeshSpec, data: st.DataObject) -> None:
    gone = data.draw(st.sampled_from([each for each in spec.sites if each.neighbours is not None] or list(spec.sites)))
    without = spec.model_copy(update={"sites": tuple(each for each in spec.sites if each.name != gone.name)})
    if any(gone.name in (each.neighbours or ()) for each in without.sites):
        return  # somebody names it: the settings' rules refuse to take it out
    before = {plan.gateway: plan for plan in Mesh(spec).gateways()}
    after = {plan.gateway: plan for plan in Mesh(without).gateways()}
    neighbours = set(Mesh(spec).neighbours[gone.name])
    changed = {gateway.site for gateway, plan in after.items() if plan != before[gateway]}
    assert changed == neighbours
    for gateway in (each for each in after if each.site in neighbours):
        assert kept_peers(after[gateway]) == {
            name: peer for name, peer in kept_peers(before[gateway]).items() if name[0].site != gone.name
        }


def kept_peers(plan: GatewayPlan) -> dict[tuple[GatewayId, int], object]:
    return {(peer.gateway, each.generation): peer for each in plan.interfaces for peer in each.peers}


def test_a_rotation_changes_no_path_until_the_new_generation_is_preferred() -> None:
    """Each step adds or removes what is not in use, or only reorders: one generation's tunnels stay through each."""
    plans = [Mesh(EXAMPLE.model_copy(update={"generations": steps})) for steps in [(1,), (1, 2), (2, 1), (2,)]]
    used = [each.path("s1", "s2", {GatewayId("s1", "a"), GatewayId("s2", "a")}) for each in plans]
    assert [path.generation for path in used if path] == [1, 1, 2, 2]
    for before, after in pairwise(plans):
        for old, new in zip(before.gateways(), after.gateways(), strict=True):
            shared = set(kept_peers(old)) & set(kept_peers(new))
            assert shared
            assert all(kept_peers(old)[name] == kept_peers(new)[name] for name in shared)
    ports = [
        set(plan.ports) for plan in (plans[0].gateway(GatewayId("s1", "a")), plans[3].gateway(GatewayId("s1", "a")))
    ]
    assert not ports[0] & ports[1]


@pytest.mark.parametrize(("underlay", "tunnel"), [(1500, 1420), (1360, 1280), (9001, 8921), (9216, 9136)])
def test_a_tunnel_carries_what_its_underlay_leaves(underlay: int, tunnel: int) -> None:
    assert tunnel_mtu(underlay) == tunnel
    spec = mesh(site(1, underlay_mtu=underlay), site(2, underlay_mtu=underlay))
    assert {each.mtu for plan in Mesh(spec).gateways() for each in plan.interfaces} == {tunnel}


def test_jumbo_packets_are_for_jumbo_neighbours() -> None:
    spec = mesh(site(1, underlay_mtu=9001), site(2, underlay_mtu=9001), site(3))
    assert {each.mtu for plan in Mesh(spec).gateways() for each in plan.interfaces} == {1420}


def test_an_ipv6_endpoint_is_written_with_brackets() -> None:
    six = site(2)
    own = tuple(each.model_copy(update={"endpoint": IPv6Address("2001:db8::1")}) for each in six.gateways)
    spec = mesh(site(1), six.model_copy(update={"gateways": own}))
    ends = {peer.endpoint for each in Mesh(spec).gateway(GatewayId("s1", "a")).interfaces for peer in each.peers}
    assert ends == {"[2001:db8::1]:51824"}


@pytest.mark.parametrize(
    ("spec", "said"),
    [
        (mesh(site(1, dials=True), site(2, dials=True)), "both only dial out"),
        (mesh(site(1, mtu=1421), site(2)), "too large"),
        (mesh(site(1, underlay_mtu=1300), site(2)), "less than 1280"),
        (mesh(site(1), site(9000)), "beyond the tunnel range"),
        (mesh(site(1, neighbours=("s9",))), "no other site"),
        (mesh(site(1), site(2), generations=(3,)), "no key of generation 3"),
        (mesh(site(1), site(1)), "one name"),
        (mesh(*(site(number) for number in range(MAX_NEIGHBOURS + 2))), "at most 100"),
    ],
)
def test_a_mesh_that_cannot_be_is_refused(spec: MeshSpec, said: str) -> None:
    with pytest.raises(MeshError, match=said):
        list(Mesh(spec).gateways())


def test_two_sites_of_one_range_show_as_an_overlap() -> None:
    """What the disjointness above looks for is there where a spec is wrong: the property can fail."""
    twin = site(2).model_copy(update={"ranges": site(1).ranges})
    plan = Mesh(mesh(site(1), twin, site(3))).gateway(GatewayId("s3", "a"))
    allowed = [each for peer in plan.interfaces[0].peers for each in peer.allowed_ips]
    assert len(list(collapse_addresses(allowed))) < len(allowed)
