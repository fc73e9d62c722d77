"""No two slots share a port, a network or a name."""

from ipaddress import IPv4Network
from itertools import combinations

import pytest

from infra.local.cluster.addresses import CLUSTERS, SLOTS, Addresses, HostedAddresses

ALL = [Addresses(slot) for slot in range(SLOTS)]


@pytest.mark.parametrize("field", ["node_network", "pods", "services"])
def test_networks_never_overlap(field: str) -> None:
    networks = [getattr(addresses, field) for addresses in ALL]
    assert not any(one.overlaps(other) for one, other in combinations(networks, 2))


def test_ports_and_names_are_a_slots_own() -> None:
    fields = ("etcd_client", "etcd_peer", "apiserver", "controller_manager", "scheduler", "aws", "cloudflare", "edge")
    names = ("sandbox_controller", "tunnel", "kubelet", "node_netns", "world_netns", "node_name", "cgroup")
    values = [getattr(addresses, field) for addresses in ALL for field in fields + names]
    assert len(set(values)) == len(values) - SLOTS  # the control group is called like the node
    assert all(value < 32768 for value in values if isinstance(value, int)), "below the ports the kernel hands out"


def test_the_first_slot_is_where_its_documents_say() -> None:
    first = ALL[0]
    assert (str(first.host), str(first.node), first.apiserver) == ("198.51.100.1", "198.51.100.2", 20003)
    assert (str(first.pods), str(first.services)) == ("198.18.0.0/20", "198.19.0.0/20")


@pytest.mark.parametrize("slot", [-1, 16])
def test_a_slot_out_of_range_is_refused_by_name(slot: int) -> None:
    with pytest.raises(ValueError, match=rf"slot: {slot} is not one of 0…15"):
        Addresses(slot)


def test_clusters_of_a_slots_eks_share_no_port() -> None:
    services = IPv4Network("10.100.0.0/16")
    hosted = [HostedAddresses(slot, number, services) for slot in range(SLOTS) for number in range(CLUSTERS)]
    fields = ("etcd_client", "etcd_peer", "apiserver", "controller_manager", "scheduler", "sandbox_controller")
    values = [getattr(addresses, field) for addresses in [*hosted, *ALL] for field in fields]
    values += [
        getattr(addresses, field) for addresses in ALL for field in ("aws", "cloudflare", "edge", "tunnel", "kubelet")
    ]
    assert len(set(values)) == len(values)
    assert all(
        value // 100 == 200 + addresses.slot for addresses in hosted for value in (addresses.port(0), addresses.port(7))
    )
    assert {addresses.services for addresses in hosted} == {services}
    with pytest.raises(ValueError, match="8 ports"):
        hosted[0].port(8)
