"""A region's ranges: none in two uses, none moved by growth, and none too small to be of use."""

from ipaddress import IPv4Network
from itertools import combinations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from components.network.addresses import (
    LONGEST_BLOCK,
    SHORTEST_BLOCK,
    ZONE_SLOTS,
    BlockError,
    allocate,
    room,
    usable,
    without,
)

BLOCK = IPv4Network("10.16.0.0/14")
ZONES = st.integers(1, ZONE_SLOTS)
SMALLEST_IN_AWS = 28


@st.composite
def blocks(draw: st.DrawFn) -> IPv4Network:
    """Any block a region fits in."""
    prefix = draw(st.integers(SHORTEST_BLOCK, LONGEST_BLOCK))
    at = draw(st.integers(0, (1 << (prefix - 8)) - 1))
    return IPv4Network(((10 << 24) + (at << (32 - prefix)), prefix))


@given(blocks(), ZONES)
def test_ranges_and_what_is_free_are_the_block_without_an_address_twice(block: IPv4Network, zones: int) -> None:
    ranges = allocate(block, zones)
    parts = [*ranges.used().values(), *ranges.free]
    assert not [pair for pair in combinations(parts, 2) if pair[0].overlaps(pair[1])]
    assert all(part.subnet_of(block) for part in parts)
    assert sum(part.num_addresses for part in parts) == block.num_addresses


@given(blocks(), ZONES)
def test_subnets_are_the_vpc_s_and_pods_services_and_tunnels_are_not(block: IPv4Network, zones: int) -> None:
    ranges = allocate(block, zones)
    subnets = [net for zone in ranges.zones for net in (zone.nodes, zone.database, zone.public)]
    assert all(subnet.subnet_of(ranges.vpc) for subnet in subnets)
    assert not any(each.overlaps(ranges.vpc) for each in (ranges.pods, ranges.services, ranges.wireguard))


@given(blocks(), ZONES)
def test_every_range_is_one_aws_takes(block: IPv4Network, zones: int) -> None:
    ranges = allocate(block, zones)
    assert 16 <= ranges.vpc.prefixlen <= SMALLEST_IN_AWS
    assert 12 <= ranges.services.prefixlen <= 24
    for zone in ranges.zones:
        assert max(zone.nodes.prefixlen, zone.database.prefixlen, zone.public.prefixlen) <= SMALLEST_IN_AWS


@given(blocks(), st.integers(1, ZONE_SLOTS - 1))
def test_a_zone_that_is_added_moves_nothing(block: IPv4Network, zones: int) -> None:
    before, after = allocate(block, zones), allocate(block, zones + 1)
    assert before.used().items() <= after.used().items()
    assert any(after.zones[-1].nodes.subnet_of(free) for free in before.free)


@given(blocks(), st.lists(blocks(), max_size=6))
def test_without_leaves_exactly_what_is_not_taken(whole: IPv4Network, taken: list[IPv4Network]) -> None:
    left = without(whole, taken)
    assert not any(part.overlaps(other) for part in left for other in taken)
    gone = {each for each in taken if each.overlaps(whole)}
    lost = (
        sum(each.num_addresses for each in _outermost(gone))
        if not any(whole.subnet_of(each) for each in gone)
        else None
    )
    assert sum(part.num_addresses for part in left) == (0 if lost is None else whole.num_addresses - lost)


def _outermost(networks: set[IPv4Network]) -> list[IPv4Network]:
    return [each for each in networks if not any(each != other and each.subnet_of(other) for other in networks)]


@pytest.mark.parametrize(
    ("block", "said"),
    [("10.0.0.0/19", "too small"), ("10.0.0.0/9", "more than one region"), ("11.0.0.0/14", "not private")],
)
def test_a_block_of_no_use_is_refused_with_a_remedy(block: str, said: str) -> None:
    with pytest.raises(BlockError, match=said) as raised:
        allocate(IPv4Network(block), 3)
    assert "Take a /14" in raised.value.remedy


@pytest.mark.parametrize("zones", [0, ZONE_SLOTS + 1])
def test_there_are_no_such_many_zones(zones: int) -> None:
    with pytest.raises(ValueError, match="zones"):
        allocate(BLOCK, zones)


def test_room_says_what_still_fits() -> None:
    ranges = allocate(BLOCK, 3)
    left = room(ranges)
    assert (left.zones, left.nodes_a_zone) == (1, 8187)
    assert left.subnets_of_256 == 3 * 30 + 64


def test_aws_keeps_five_addresses_of_each_subnet() -> None:
    assert usable(IPv4Network("10.0.0.0/28")) == 11
