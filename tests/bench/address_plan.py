"""What a fleet's address plan costs to compute and to check: pure, so it needs no region."""

import time
from ipaddress import IPv4Network

from rich.console import Console
from rich.table import Table

from infra.plan.fleet_addresses import fleet_problems, fleet_ranges, next_free_block, render_plan

REGIONS = 20
SITES = 40


def fleet(regions: int = REGIONS, sites: int = SITES) -> tuple[dict[str, IPv4Network], dict[str, IPv4Network]]:
    """Regions that came one after the other, and as many small sites beside them."""
    blocks: dict[str, IPv4Network] = {}
    for at in range(regions):
        block = next_free_block(blocks.values())
        assert block is not None
        blocks[f"moltghost:regions.r{at}.block"] = block
    others = {f"moltghost:sites.s{at}.range": IPv4Network(f"172.16.{at}.0/24") for at in range(sites)}
    return blocks, others


def measured(regions: int = REGIONS, sites: int = SITES) -> list[tuple[str, int, float]]:
    """Each step with how much it made and the seconds it took."""
    rows = []
    begun = time.perf_counter()
    blocks, others = fleet(regions, sites)
    rows.append(("blocks given out", len(blocks), time.perf_counter() - begun))
    begun = time.perf_counter()
    ranges = fleet_ranges(blocks, others)
    rows.append(("ranges computed", len(ranges), time.perf_counter() - begun))
    begun = time.perf_counter()
    problems = list(fleet_problems(blocks, others))
    rows.append(
        (
            "pairs checked",
            (len(blocks) + len(others)) * (len(blocks) + len(others) - 1) // 2,
            time.perf_counter() - begun,
        )
    )
    assert not problems
    begun = time.perf_counter()
    rows.append(("lines rendered", len(render_plan(blocks, others)), time.perf_counter() - begun))
    return rows


def address_plan(console: Console) -> None:
    """Print what each step took."""
    table = Table("address plan", "how many", "ms", title=f"{REGIONS} regions, {SITES} sites")
    for step, made, seconds in measured():
        table.add_row(step, str(made), f"{seconds * 1000:.1f}")
    console.print(table)


if __name__ == "__main__":
    address_plan(Console())
