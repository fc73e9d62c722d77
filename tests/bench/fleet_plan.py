"""What it costs to read, plan and judge a whole fleet: `python -m tests.bench.fleet_plan [REGIONS TENANTS]`."""

import sys
import tempfile
import time
from collections.abc import Callable
from ipaddress import IPv4Network
from pathlib import Path
from typing import Any

import yaml
from rich.console import Console

from components.network.addresses import ZONE_SLOTS, allocate
from infra.fleet import judge_folder
from infra.local.status import table
from infra.plan import plan_stack
from infra.plan.fleet_addresses import next_free_block
from infra.settings import draft_settings, read_file
from tests.bench.mesh_plan import public_key
from tests.stack_files import PROJECT

REGIONS = 20
TENANTS = 500
AGENTS_A_TENANT = 2
TUNNELS = "10.255.0.0/16"


def committed(stack: str) -> dict[str, Any]:
    """A committed stack's config."""
    config: dict[str, Any] = yaml.safe_load((PROJECT / f"Pulumi.{stack}.yaml").read_text())["config"]
    return config


def write_fleet(folder: Path, regions: int, tenants: int) -> int:
    """Stack files like the committed ones: regions joined by a mesh, and tenants in two regions each; how many."""
    names = [f"r{at:02}" for at in range(regions)]
    everywhere, sites = committed("global"), []
    listed: dict[str, dict[str, Any]] = {}
    for at, name in enumerate(names):
        taken = [IPv4Network(each["block"]) for each in listed.values()]
        block = next_free_block(taken)
        assert block is not None
        listed[name] = {"block": str(block), "near": []}
        sites.append(_site(name, at, str(allocate(block, ZONE_SLOTS).vpc)))
        write(folder, name, _region(name, "use1" if at % 2 else "usw2", str(block)))
    everywhere |= {"moltghost:regions": listed, "moltghost:sites": sites}
    everywhere["moltghost:mesh"] = {"tunnel_range": TUNNELS, "generations": [1]}
    write(folder, "global", everywhere)
    for at in range(tenants):
        write(folder, f"t{at:05}", _tenant(at, names[at % regions], names[(at + 1) % regions]))
    return 1 + regions + tenants


def write(folder: Path, stack: str, config: dict[str, Any]) -> None:
    """A stack's file."""
    (folder / f"Pulumi.{stack}.yaml").write_text(yaml.safe_dump({"config": config}, sort_keys=False))


def _site(name: str, at: int, vpc: str) -> dict[str, Any]:
    gateways = [
        {
            "plane": plane,
            "endpoint": f"203.0.113.{2 * at + number}",
            "keys": [{"generation": 1, "key": public_key(f"{name}{plane}")}],
        }
        for number, plane in enumerate("ab", 1)
    ]
    return {"name": name, "kind": "region", "number": at, "ranges": [vpc], "gateways": gateways}


def _region(name: str, like: str, block: str) -> dict[str, Any]:
    config = committed(like)
    config["moltghost:region"] |= {"name": name, "block": block}
    config["moltghost:eks"]["quotas"] = {"L-7A658B76": 1_000_000}  # GB of volumes
    # Room for every tenant that is placed there, ten thousand of them over twenty regions.
    config["moltghost:pools"]["l40s"] |= {"instance_type": "g6e.48xlarge", "max": 250}
    return config


def _tenant(at: int, home: str, failover: str) -> dict[str, Any]:
    config = committed("acme")
    stacks = {name: f"organization/moltghost/{name}" for name in (home, failover)}
    config["moltghost:tenant"]["id"] = f"t{at:05}"
    config["moltghost:placement"] = {"home": home, "failover": failover, "residency": [home, failover]}
    config["moltghost:region_stacks"] = stacks
    config["moltghost:tenant"]["quota"] |= {"agents": AGENTS_A_TENANT, "gpus": AGENTS_A_TENANT}
    return config


def measured(regions: int = REGIONS, tenants: int = TENANTS) -> list[tuple[str, int, float]]:
    """Each step with how many stacks it was for and the seconds it took; the last is all of them, as `check` does."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        stacks = write_fleet(folder, regions, tenants)
        sources, reading = _timed(lambda: [read_file(file) for file in sorted(folder.glob("Pulumi.*.yaml"))])
        drafts, settings = _timed(lambda: [draft_settings(source) for source in sources])
        plans, planning = _timed(lambda: [plan_stack(draft) for draft in drafts])
        judged, whole = _timed(lambda: judge_folder(folder))
    assert len(plans) == stacks
    problems = [str(error) for error in judged.problems()]
    assert not problems, problems[0]
    return [
        ("YAML read", len(sources), reading),
        ("settings", len(drafts), settings),
        ("plans", len(plans), planning),
        ("the whole fleet judged", stacks, whole),
    ]


def _timed(work: Callable[[], Any]) -> tuple[Any, float]:
    begun = time.perf_counter()
    made = work()
    return made, time.perf_counter() - begun


def fleet_plan(console: Console, regions: int = REGIONS, tenants: int = TENANTS) -> None:
    """Print what each step took."""
    rows = [
        (step, str(made), f"{seconds:.2f}", f"{seconds / made * 1000:.2f}")
        for step, made, seconds in measured(regions, tenants)
    ]
    title = f"A fleet of {regions} regions and {tenants} tenants"
    console.print(table(title, ("step", "stacks", "s", "ms a stack"), rows))


if __name__ == "__main__":
    fleet_plan(Console(), *map(int, sys.argv[1:3]))
