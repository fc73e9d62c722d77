"""The fleet's address plan: no range in two places, none moved by a region that is added."""

from ipaddress import IPv4Address, IPv4Network
from itertools import combinations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from components.network.addresses import LONGEST_BLOCK, SHORTEST_BLOCK
from infra.plan.fleet_addresses import (
    FLEET,
    USUAL_PREFIX,
    blocks_left,
    fleet_problems,
    fleet_ranges,
    next_free_block,
    render_plan,
    whose,
)

PREFIXES = st.integers(SHORTEST_BLOCK, LONGEST_BLOCK)
SIN, JKT = "moltghost:regions.sin.block", "moltghost:regions.jkt.block"
DC1, TUNNELS = "moltghost:metal.dc1.range", "moltghost:mesh.tunnels"
BLOCKS = {SIN: IPv4Network("10.16.0.0/14"), JKT: IPv4Network("10.20.0.0/14")}
OTHERS = {DC1: IPv4Network("172.20.0.0/16"), TUNNELS: IPv4Network("100.64.0.0/16")}


def grown(prefixes: list[int]) -> dict[str, IPv4Network]:
    """A fleet whose regions came one after the other, each into the next free block."""
    blocks: dict[str, IPv4Network] = {}
    for at, prefix in enumerate(prefixes):
        block = next_free_block(blocks.values(), prefix)
        if block is not None:
            blocks[f"moltghost:regions.r{at}.block"] = block
    return blocks


def said(blocks: dict[str, IPv4Network], others: dict[str, IPv4Network]) -> list[tuple[str, str]]:
    return [(problem.path, problem.text({})) for problem in fleet_problems(blocks, others)]


@given(st.lists(PREFIXES, max_size=12))
def test_a_fleet_that_takes_free_blocks_has_no_problem(prefixes: list[int]) -> None:
    blocks = grown(prefixes)
    assert not said(blocks, {})
    ranges = fleet_ranges(blocks, {})
    assert not [pair for pair in combinations(ranges.values(), 2) if pair[0].overlaps(pair[1])]
    assert len(ranges) == len(blocks) * (3 + 4 * 3)


@given(st.lists(PREFIXES, min_size=1, max_size=8), PREFIXES)
def test_a_region_that_is_added_moves_no_range(prefixes: list[int], one_more: int) -> None:
    before, after = grown(prefixes), grown([*prefixes, one_more])
    assert fleet_ranges(before, {}).items() <= fleet_ranges(after, {}).items()


@given(st.lists(PREFIXES, max_size=8), PREFIXES)
def test_the_next_block_is_the_first_that_touches_nothing(prefixes: list[int], prefix: int) -> None:
    taken = list(grown(prefixes).values())
    found = next_free_block(taken, prefix)
    free = [each for each in FLEET.subnets(new_prefix=prefix) if not any(each.overlaps(other) for other in taken)]
    assert found == (free[0] if free else None)
    assert blocks_left(taken, prefix) == len(free)


def test_a_full_fleet_has_no_next_block() -> None:
    assert next_free_block([FLEET]) is None
    assert blocks_left([FLEET]) == 0


@pytest.mark.parametrize("prefix", [SHORTEST_BLOCK - 1, LONGEST_BLOCK + 1])
def test_no_block_is_offered_that_no_region_fits_in(prefix: int) -> None:
    with pytest.raises(ValueError, match="a region's block is"):
        next_free_block([], prefix)


@given(PREFIXES, st.data())
def test_whatever_lies_in_a_region_s_block_is_said(prefix: int, data: st.DataObject) -> None:
    blocks = grown([prefix])
    ((path, block),) = blocks.items()
    at = data.draw(st.integers(0, block.num_addresses - 1))
    intruder = IPv4Network(f"{IPv4Address(int(block.network_address) + at)}/32")
    assert [where for where, _ in said(blocks, {DC1: intruder})] == [DC1]
    assert path in said(blocks, {DC1: intruder})[0][1]


@pytest.mark.parametrize(
    ("blocks", "others", "where", "text"),
    [
        ({**BLOCKS, JKT: IPv4Network("10.18.0.0/15")}, OTHERS, JKT, "Take 10.0.0.0/15, which is free"),
        ({**BLOCKS, JKT: IPv4Network("10.0.0.0/20")}, OTHERS, JKT, "too small for a region"),
        ({**BLOCKS, JKT: IPv4Network("8.8.0.0/14")}, OTHERS, JKT, "not private"),
        (BLOCKS, {**OTHERS, DC1: IPv4Network("10.19.0.0/24")}, DC1, "Give the two ranges no address in common"),
        (BLOCKS, {**OTHERS, TUNNELS: IPv4Network("172.20.128.0/17")}, TUNNELS, f"overlaps {DC1}"),
        (BLOCKS, {**OTHERS, TUNNELS: IPv4Network("169.254.1.0/24")}, TUNNELS, "link-local"),
    ],
)
def test_what_is_wrong_is_said_with_its_place_and_a_remedy(
    blocks: dict[str, IPv4Network], others: dict[str, IPv4Network], where: str, text: str
) -> None:
    ((path, message),) = said(blocks, others)
    assert path == where
    assert text in message


def test_all_problems_come_at_once() -> None:
    wrong = {**BLOCKS, JKT: IPv4Network("10.16.0.0/20")}
    assert [path for path, _ in said(wrong, {**OTHERS, DC1: IPv4Network("10.16.0.0/32")})] == [JKT, JKT, DC1, DC1]


def test_the_plan_as_it_should_be_has_no_problem() -> None:
    assert not said(BLOCKS, OTHERS)


@pytest.mark.parametrize(
    ("address", "where"),
    [
        ("10.16.70.9", f"{SIN}/zones[1].nodes"),
        ("10.18.3.4", f"{SIN}/pods"),
        ("172.20.9.9", DC1),
        ("203.0.113.9", None),
    ],
)
def test_an_address_is_known_by_the_narrowest_range_it_is_in(address: str, where: str | None) -> None:
    assert whose(IPv4Address(address), fleet_ranges(BLOCKS, OTHERS)) == where


def test_the_plan_is_shown_in_the_order_of_addresses_with_what_is_left() -> None:
    lines = render_plan(BLOCKS, OTHERS)
    assert [line.split()[0] for line in lines[:-1]] == [
        "range",
        "10.16.0.0/14",
        "10.20.0.0/14",
        "100.64.0.0/16",
        "172.20.0.0/16",
    ]
    assert lines[-1] == f"62 blocks of /{USUAL_PREFIX} are free; the next is 10.0.0.0/14"
