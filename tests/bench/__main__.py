"""`make bench`: what the local region costs. Figures, not verdicts: nothing here fails on a slow machine."""

import re
import statistics
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import psutil
from rich.console import Console

from infra.local.cluster.cgroups import group_processes
from infra.local.progress import Steps
from infra.local.region import LocalRegion
from infra.local.status import table
from tests.bench.address_plan import address_plan
from tests.bench.fleet_plan import fleet_plan
from tests.bench.hops import MIB, hops
from tests.bench.latency import Latency, compare
from tests.bench.limiter import limiter
from tests.bench.mesh_plan import mesh_plan
from tests.bench.policies import policies
from tests.bench.previews import beside_engine, previews
from tests.bench.proof import proof
from tests.bench.starting import STARTS, Starts, medians
from tests.bench.wireguard import wireguard

SLOT = 2
STATE = Path(__file__).resolve().parents[2] / f".state-{SLOT}"
PREVIEWS = 3
MODEL = "tiny"


def main() -> None:
    """Measure what needs no region; then bring up one of the bench's own, measure, print, take it down."""
    console, steps, region = Console(), Steps(), LocalRegion(STATE, slot=SLOT)
    hops(steps, console)
    limiter(steps, console)
    address_plan(console)
    fleet_plan(console)
    mesh_plan(console)
    wireguard(console)
    policies(steps, console)
    previews(steps, console)
    proof(console)
    region.down(steps)
    try:
        region.start(steps)
        engine(region, steps, console)
        beside_engine(region, steps, console)
        latency(region, steps, console)
        console.print(memory(region))
        starts(region, steps, console)
    finally:
        region.down(steps)


def engine(region: LocalRegion, steps: Steps, console: Console) -> None:
    """Time the engine: from nothing to the first token, and a preview without a change."""
    said: list[str] = []
    with steps.step("pulumi up, from nothing"):
        up = Stopwatch()
        region.engine.up(on_line=said.append)
        deployed = up()
        next(region.chat())
        first_token = up()
    previews = []
    for _ in range(PREVIEWS):
        with steps.step("pulumi preview, no change"):
            preview = Stopwatch()
            region.engine.preview()
            previews.append(preview())
    created = int(re.findall(r"\+ (\d+) created", "\n".join(said))[-1])
    rows = [
        ("`up` from nothing", f"{deployed:.1f} s"),
        ("resources created", str(created)),
        ("resources a second", f"{created / deployed:.1f}"),
        ("from `up` to the first token", f"{first_token:.1f} s"),
        (f"preview without a change (median of {PREVIEWS})", f"{statistics.median(previews):.1f} s"),
    ]
    console.print(table("Engine", ("what", "figure"), rows))


def latency(region: LocalRegion, steps: Steps, console: Console) -> None:
    """Compare the ways to an agent with a call of its model server from inside the pod."""
    with steps.step("requests to the model server, the door and the edge, in turns"):
        ways = compare(region, kubectl(region), MODEL)
    floor = next(iter(ways.values()))
    columns = ("way", "requests", "p50 ms", "p99 ms", "added p50", "added p99", "p50 ratio", "p99 ratio")
    console.print(table("Latency of one whole answer", columns, [row(name, way, floor) for name, way in ways.items()]))


def row(name: str, way: Latency, floor: Latency) -> tuple[str, ...]:
    """One way's figures, what it adds to the floor's, and its ratio to them."""
    ours, theirs = ([each.percentile(percent) for percent in (50, 99)] for each in (way, floor))
    added = [f"{one - other:.1f}" for one, other in zip(ours, theirs, strict=True)]
    ratios = [f"{one / other:.2f}" for one, other in zip(ours, theirs, strict=True)]
    return name, str(len(way.seconds)), *(f"{each:.1f}" for each in ours), *added, *ratios


def starts(region: LocalRegion, steps: Steps, console: Console) -> None:
    """Time the start of an agent's pod and its parts: the first one, and those that find their model on the volume."""
    tenant = region.tenants()[0]
    pod = Starts(kubectl(region), region.machine.kubeconfig, tenant.namespace, tenant.agents[0])
    first, later = pod.last(), []
    for _ in range(STARTS):
        with steps.step("an agent's pod, from its creation to its being ready"):
            later.append(pod.again())
    for title, found in (("first", first), (f"later, median of {STARTS}", medians(later))):
        rows = [(part.name, f"{part.seconds:.1f} s") for part in found]
        console.print(table(f"Start of an agent's pod, {title} (± 1 s)", ("part", "took"), rows))


def kubectl(region: LocalRegion) -> Path:
    """The program that speaks to the region's cluster."""
    return region.tools.ensure(["kubectl"], lambda _detail: None)["kubectl"]


def memory(region: LocalRegion) -> object:
    """Resident memory of each program and of what it started, largest first."""
    used = [(resident(program.pid), program.name) for program in region.status().programs if program.pid]
    used += [(process.memory_info().rss, pod_label(process)) for process in pod_processes(region)]
    rows = [(name, f"{size / MIB:.0f} MiB") for size, name in sorted(used, reverse=True)]
    return table("Memory", ("program", "resident"), rows)


def resident(pid: int) -> int:
    """Bytes resident in a process and its children."""
    parent = psutil.Process(pid)
    return sum(int(one.memory_info().rss) for one in (parent, *parent.children(recursive=True)))


def pod_processes(region: LocalRegion) -> Iterator[psutil.Process]:
    """What runs in the region's pods, but for the processes that only hold a pod's namespaces."""
    for pid in group_processes(region.addresses.cgroup):
        with suppress(psutil.NoSuchProcess):  # it may end meanwhile
            process = psutil.Process(pid)
            if process.name() != "pause":
                yield process


def pod_label(process: psutil.Process) -> str:
    """How the table names a process in a pod."""
    return f"in a pod: {' '.join(process.cmdline()[:3])} ({process.pid})"


class Stopwatch:
    """Seconds since it was made."""

    def __init__(self) -> None:
        self.started = time.monotonic()

    def __call__(self) -> float:
        """Seconds so far."""
        return time.monotonic() - self.started


if __name__ == "__main__":
    main()
