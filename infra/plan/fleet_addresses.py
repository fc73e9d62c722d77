"""The fleet's addresses: a block for each region, ranges of other sites, and that no two overlap.

All here takes plain values: paths in a stack's file, and the networks given there. What is computed from a region's
block has the block's path with a name behind it (`….sin.block/pods`).
"""

from collections.abc import Iterable, Iterator, Mapping
from ipaddress import IPv4Address, IPv4Network
from itertools import combinations

from components.network.addresses import (
    LONGEST_BLOCK,
    PRIVATE,
    SHORTEST_BLOCK,
    ZONE_SLOTS,
    BlockError,
    allocate,
    without,
)
from infra.plan.addresses import LINK_LOCAL
from infra.settings.problems import Problem

FLEET = PRIVATE[0]
"""Where regions' blocks come from."""

USUAL_PREFIX = 14
"""A region's usual block: a VPC of the largest size AWS has, and 131,072 addresses for pods. FLEET has 64 of them."""


def fleet_ranges(
    blocks: Mapping[str, IPv4Network], others: Mapping[str, IPv4Network], zones: int = ZONE_SLOTS
) -> dict[str, IPv4Network]:
    """Every range of the fleet by its path: those of each region's block, and the others as they are.

    Raises BlockError if a block is of no use; `blocks_hold_regions` says so with its path.
    """
    computed = {
        f"{path}/{name}": network
        for path, block in blocks.items()
        for name, network in allocate(block, zones).used().items()
    }
    return {**computed, **others}


def fleet_problems(blocks: Mapping[str, IPv4Network], others: Mapping[str, IPv4Network]) -> Iterator[Problem]:
    """All that is wrong with the fleet's addresses."""
    yield from blocks_hold_regions(blocks)
    yield from ranges_are_apart(blocks, others)


def blocks_hold_regions(blocks: Mapping[str, IPv4Network]) -> Iterator[Problem]:
    """Each block is of a size and a kind that a region fits in."""
    for path, block in blocks.items():
        try:
            allocate(block, ZONE_SLOTS)
        except BlockError as error:
            yield Problem(path, error.message, error.remedy, str(block))


def ranges_are_apart(blocks: Mapping[str, IPv4Network], others: Mapping[str, IPv4Network]) -> Iterator[Problem]:
    """No two blocks, nor a block and a site's range, nor two sites' ranges have an address in common; the later one is
    named. None is link-local."""
    named = {**blocks, **others}
    for first, second in combinations(named, 2):
        if named[first].overlaps(named[second]):
            message = f"overlaps {first} ({named[first]})"
            yield Problem(second, message, _remedy(second, blocks, named), str(named[second]), (first,))
    for path, network in named.items():
        if network.overlaps(LINK_LOCAL):
            yield Problem(path, f"overlaps the link-local range {LINK_LOCAL}", "Take another range", str(network))


def _remedy(path: str, blocks: Mapping[str, IPv4Network], named: Mapping[str, IPv4Network]) -> str:
    fits = path in blocks and SHORTEST_BLOCK <= named[path].prefixlen <= LONGEST_BLOCK
    free = next_free_block(named.values(), named[path].prefixlen) if fits else None
    return f"Take {free}, which is free" if free else "Give the two ranges no address in common"


def next_free_block(
    taken: Iterable[IPv4Network], prefix: int = USUAL_PREFIX, fleet: IPv4Network = FLEET
) -> IPv4Network | None:
    """The first block of this prefix that touches nothing taken; None when there is none.

    Raises ValueError for a prefix no region fits in.
    """
    if not SHORTEST_BLOCK <= prefix <= LONGEST_BLOCK:
        raise ValueError(f"a region's block is /{SHORTEST_BLOCK} to /{LONGEST_BLOCK}, not /{prefix}")
    gaps = (gap for gap in without(fleet, list(taken)) if gap.prefixlen <= prefix)
    return next((IPv4Network((int(gap.network_address), prefix)) for gap in gaps), None)


def blocks_left(taken: Iterable[IPv4Network], prefix: int = USUAL_PREFIX, fleet: IPv4Network = FLEET) -> int:
    """How many blocks of this prefix are still free."""
    return sum(1 << (prefix - gap.prefixlen) for gap in without(fleet, list(taken)) if gap.prefixlen <= prefix)


def whose(address: IPv4Address, ranges: Mapping[str, IPv4Network]) -> str | None:
    """The path of the narrowest range an address is in: what to ask when a flow log shows a stranger."""
    holding = [path for path, network in ranges.items() if address in network]
    return max(holding, key=lambda path: ranges[path].prefixlen, default=None)


def render_plan(blocks: Mapping[str, IPv4Network], others: Mapping[str, IPv4Network]) -> list[str]:
    """The fleet's plan as a table: a line a block or range, in the order of addresses, and what is left."""
    rows = [("range", "VPC", "pods", "Services", "WireGuard", "whose")]
    for path, network in sorted({**blocks, **others}.items(), key=lambda each: each[1]):
        if path in blocks:
            of = allocate(network, ZONE_SLOTS)
            rows.append((str(network), str(of.vpc), str(of.pods), str(of.services), str(of.wireguard), path))
        else:
            rows.append((str(network), "", "", "", "", path))
    widths = [max(len(row[at]) for row in rows) for at in range(len(rows[0]))]
    lines = ["  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows]
    taken = [*blocks.values(), *others.values()]
    return [*lines, f"{blocks_left(taken)} blocks of /{USUAL_PREFIX} are free; the next is {next_free_block(taken)}"]
