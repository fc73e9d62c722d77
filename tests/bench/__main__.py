"""`make bench`: what the local region costs. Figures, not verdicts: nothing here fails on a slow machine."""

import re
import statistics
import time
from collections.abc import Iterator
from pathlib import Path

import psutil
from rich.console import Console

from infra.local.progress import Steps
from infra.local.region import LocalRegion
from infra.local.status import table
from tests.bench.latency import Latency, compare

SLOT = 2
STATE = Path(__file__).resolve().parents[2] / f".state-{SLOT}"
PREVIEWS = 3
MODEL = "tiny"
MIB = 1024 * 1024


def main() -> None:
    """Bring up a region of the bench's own, measure, print, take it down."""
    console, steps, region = Console(), Steps(), LocalRegion(STATE, slot=SLOT)
    region.down(steps)
    try:
        region.start(steps)
        engine(region, steps, console)
        latency(region, steps, console)
        console.print(memory(region))
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
    """Compare the way through the edge with a call of the model server from inside the pod."""
    kubectl = region.tools.ensure(["kubectl"], lambda _detail: None)["kubectl"]
    with steps.step("requests, direct and through the edge, in turns"):
        direct, edge = compare(region, kubectl, MODEL)
    rows = [
        row(name, way, direct) for name, way in (("model server, direct", direct), ("Worker → gateway → pod", edge))
    ]
    console.print(
        table("Latency of one whole answer", ("way", "requests", "p50 ms", "p99 ms", "p50 ratio", "p99 ratio"), rows)
    )


def row(name: str, way: Latency, floor: Latency) -> tuple[str, ...]:
    """One way's figures, and its ratio to the floor."""
    p50, p99 = way.percentile(50), way.percentile(99)
    ratios = (f"{p50 / floor.percentile(50):.2f}", f"{p99 / floor.percentile(99):.2f}")
    return name, str(len(way.seconds)), f"{p50:.1f}", f"{p99:.1f}", *ratios


def memory(region: LocalRegion) -> object:
    """Resident memory of each program and of what it started, largest first."""
    used = [(resident(program.pid), program.name) for program in region.status().programs if program.pid]
    used += [(process.memory_info().rss, pod_label(process)) for process in pod_processes()]
    rows = [(name, f"{size / MIB:.0f} MiB") for size, name in sorted(used, reverse=True)]
    return table("Memory", ("program", "resident"), rows)


def resident(pid: int) -> int:
    """Bytes resident in a process and its children."""
    parent = psutil.Process(pid)
    return sum(int(one.memory_info().rss) for one in (parent, *parent.children(recursive=True)))


def pod_processes() -> Iterator[psutil.Process]:
    """The image's own processes, which belong to containerd's shims."""
    for process in psutil.process_iter(["cmdline"]):
        command = " ".join(process.info["cmdline"] or [])
        if "runtime.gateway" in command or "runtime.agent" in command or command.startswith("/usr/local/bin/ollama"):
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
