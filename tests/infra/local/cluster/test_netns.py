"""The node's way out: exactly to the host, the pods and the addresses of the world; there is no default route."""

from ipaddress import ip_address, ip_network

import pytest

from infra.local.cluster.addresses import WORLD_ADDRESSES, Addresses
from infra.local.cluster.netns import NODE_SYSCTLS, enter, host_commands, node_commands, world_commands


def routes(commands: list[list[str]]) -> list[str]:
    return [command[2] for command in commands if command[0] == "route"]


@pytest.mark.parametrize("build", [host_commands, node_commands, world_commands])
def test_there_is_no_default_route_anywhere(build: object) -> None:
    for route in routes(build(Addresses(2))):  # type: ignore[operator]
        assert route != "default"
        assert ip_network(route).prefixlen >= 20


def test_the_host_gets_a_route_to_the_pods_and_nothing_else() -> None:
    assert routes(host_commands(Addresses(2))) == ["198.18.32.0/20"]


def test_the_node_reaches_each_address_of_the_world() -> None:
    assert routes(node_commands(Addresses(2))) == [f"{address}/32" for address in WORLD_ADDRESSES]
    owned = [command[2] for command in world_commands(Addresses(2)) if command[0] == "address"]
    assert owned == [f"{address}/32" for address in WORLD_ADDRESSES]


def test_the_world_plays_metadata_a_public_and_a_private_host() -> None:
    played = [ip_address(address) for address in WORLD_ADDRESSES]
    assert any(address.is_link_local for address in played)
    assert ip_address("10.255.255.10") in played
    own = ip_network("198.18.0.0/15")
    assert not any(address in own for address in played)


def test_commands_may_be_repeated() -> None:
    for build in (host_commands, node_commands, world_commands):
        assert all(command[1] in ("replace", "set") for command in build(Addresses(0)))


def test_ipv6_which_no_policy_judges_is_off() -> None:
    assert NODE_SYSCTLS["net/ipv6/conf/default/disable_ipv6"] == "1"


def test_a_namespace_is_entered_without_a_fresh_sys() -> None:
    assert enter("mg0-node", ["id"]) == ["nsenter", "--net=/run/netns/mg0-node", "id"]
