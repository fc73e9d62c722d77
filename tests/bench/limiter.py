"""What the limits cost at the edge, in the Worker's own runtime: `python -m tests.bench.limiter`.

The Worker is asked with an object in the limits' place that does nothing, without limits, and with them, in turns, from
one place and from as many as a tenant has shards. The object that does nothing is the floor: what a request takes with
it is the runtime's and this machine's share, and only what is above it is the limits'. The region is a program outside
that answers at once; the coarse walls let all through and cost nothing.

Processor time is that of the thread all isolates run on, as Linux counts it: a machine that is busy with other things
makes requests wait, and leaves that nearly as it is. At Cloudflare a tenant's shards are programs of their own.
"""

import json
import subprocess
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from rich.console import Console

from infra.local.node import node_program
from infra.local.progress import Steps
from infra.local.status import table

EDGE = Path(__file__).resolve().parents[2] / "workers" / "edge"


@dataclass(frozen=True)
class Way:
    """One way to the region, asked at the highest limit's pace: milliseconds a request took, from when it was due, and
    milliseconds of the runtime's processor time; how many answers it gives a second at most; and calls of the limiter's
    objects a request."""

    name: str
    requests: int
    p50: float
    p99: float
    processor: float
    rate: float
    subrequests: float


def main() -> None:
    """Measure, and print the table."""
    limiter(Steps(), Console())


def limiter(steps: Steps, console: Console) -> None:
    """Ask each way in turn and print what came of it."""
    with steps.step("the edge with its limits and without"):
        command = [str(node_program()), "bench/limiter.ts"]
        said = subprocess.run(command, cwd=EDGE, check=True, stdout=subprocess.PIPE, text=True).stdout
    columns = ("way", "requests", "p50 ms", "p99 ms", "CPU ms", "p50 +", "p99 +", "CPU +", "most/s", "subrequests")
    console.print(table("Limits at the edge, 10,000 requests a minute of one tenant", columns, rows(read(said))))


def read(said: str) -> list[Way]:
    """What the load said, a way a line."""
    return [Way(**json.loads(line)) for line in said.splitlines()]


def rows(ways: Iterable[Way]) -> list[tuple[str, ...]]:
    """The table's rows; the first way is what the others are compared with."""
    floor, *others = ways
    return [row(way, floor) for way in (floor, *others)]


def row(way: Way, floor: Way) -> tuple[str, ...]:
    """One way's figures, and what it adds to the floor's."""
    ours, theirs = ((one.p50, one.p99, one.processor) for one in (way, floor))
    added = [one - other for one, other in zip(ours, theirs, strict=True)]
    own = [f"{p50:.1f} {p99:.1f} {processor:.2f}".split() for p50, p99, processor in (ours, added)]
    return way.name, str(way.requests), *own[0], *own[1], f"{way.rate:.0f}", f"{way.subrequests:.2f}"


if __name__ == "__main__":
    main()
