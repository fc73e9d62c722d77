"""What a look ahead costs: a fleet recorded and compared without an engine, and one stack beside a real preview."""

import shutil
import statistics
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from rich.console import Console

from infra.local.progress import Steps
from infra.local.region import PROJECT, STACK, LocalRegion
from infra.local.status import table
from infra.settings import DevSettings, load_settings
from infra.synth.diff.report import Report, make_report
from infra.synth.diff.revisions import EDGE, record_both
from infra.synth.fleet import Fleet
from infra.synth.pool import cores, synth_all
from infra.synth.sample import write_fleet

CUSTOMERS = 100
PREVIEWS = 3
_CODE = ("infra", "components", "runtime", "policies", "pyproject.toml", "Pulumi.yaml")
_FLEET = "fleet"

T = TypeVar("T")


@dataclass(frozen=True)
class Figures:
    """Seconds each part took, and how much it was about."""

    stacks: int
    resources: int
    synth: float
    diff: float
    groups: int
    changed: int


def previews(steps: Steps, console: Console) -> None:
    """Print what a sample fleet takes, and a change of all its customers."""
    with steps.step(f"a sample fleet of {CUSTOMERS} customers, recorded and compared"):
        found = measured(CUSTOMERS)
    rows = [
        ("stacks, resources", f"{found.stacks}, {found.resources}"),
        (f"recorded by {cores()} processes", f"{found.synth:.1f} s"),
        ("a stack", f"{found.synth / found.stacks * 1000:.0f} ms"),
        ("one change compared, both revisions recorded", f"{found.diff:.1f} s"),
        ("reads as", f"{found.groups} changes in {found.changed} stacks"),
    ]
    console.print(table("Looking ahead, without an engine", ("what", "figure"), rows))


def measured(customers: int) -> Figures:
    """Record a sample fleet, then compare it with one in which every customer's memory quota is another."""
    with _project(customers) as project:
        fleet = Fleet(project / _FLEET)
        stacks = write_fleet(fleet.folder, customers)
        made, recording = _timed(lambda: synth_all(fleet, stacks))
        report, comparing = _timed(lambda: _compared(project))
    return Figures(
        stacks=len(made),
        resources=sum(len(each.resources) for each in made.values()),
        synth=recording,
        diff=comparing,
        groups=len(report.groups),
        changed=len(report.radius.stacks),
    )


def beside_engine(region: LocalRegion, steps: Steps, console: Console) -> None:
    """Print how long one stack takes, recorded by a warm process, beside the engine's preview of the same stack."""
    with steps.step("one stack, previewed and recorded"):
        engine = statistics.median(_timed(region.engine.preview)[1] for _ in range(PREVIEWS))
        record = recorder(region)
        record()
        ours = statistics.median(_timed(record)[1] for _ in range(PREVIEWS))
    rows = [("`pulumi preview`", f"{engine:.2f} s"), ("recorded", f"{ours:.2f} s"), ("times", f"{engine / ours:.0f}")]
    console.print(table(f"The stack `{STACK}`, median of {PREVIEWS}", ("what", "figure"), rows))


def recorder(region: LocalRegion) -> Callable[[], object]:
    """Records the region's stack, anew each time."""
    credentials, tenants = region.credentials, load_settings(region.stack_file, DevSettings).tenants
    secrets = {
        "keyPepper": credentials.pepper(),
        "edgeSigningKey": credentials.signing_key(),
        "agentSecrets": region._agent_secrets(tenants),
    }
    return lambda: Fleet(key=b"bench", secrets={STACK: secrets}, files={STACK: region.stack_file}).stack(STACK)


@contextmanager
def _project(customers: int) -> Iterator[Path]:
    """A repository of this code with a sample fleet, and a branch on which every customer has another quota."""
    with tempfile.TemporaryDirectory(prefix="moltghost-bench-") as scratch:
        project = Path(scratch) / "project"
        for part in (*_CODE, str(EDGE)):
            _copy(PROJECT / part, project / part)
        (project / EDGE / "node_modules").symlink_to(PROJECT / EDGE / "node_modules")
        (project / ".gitignore").write_text("node_modules\ndist/\n")
        (project / _FLEET).mkdir()
        stacks = write_fleet(project / _FLEET, customers)
        _git(project, "init", "--quiet", "--initial-branch=main")
        _commit(project)
        _git(project, "checkout", "--quiet", "-b", "change")
        for stack in stacks:
            file = project / _FLEET / f"Pulumi.{stack}.yaml"
            file.write_text(file.read_text().replace("volumes_gb: ", "volumes_gb: 1"))
        _commit(project)
        yield project


def _compared(project: Path) -> Report:
    before, after = record_both(project, "main", "change", None, _FLEET)
    return make_report((before.name, before.stacks, before.usage), (after.name, after.stacks, after.usage))


def _copy(source: Path, to: Path) -> None:
    if source.is_dir():
        shutil.copytree(source, to, ignore=shutil.ignore_patterns("__pycache__", "node_modules", "dist"))
    else:
        to.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(source, to)


def _commit(project: Path) -> None:
    _git(project, "add", "--all")
    _git(project, "-c", "user.name=bench", "-c", "user.email=bench@example.com", "commit", "--quiet", "-m", "fleet")


def _git(project: Path, *arguments: str) -> None:
    subprocess.run(["git", *arguments], cwd=project, check=True)


def _timed(do: Callable[[], T]) -> tuple[T, float]:
    begun = time.perf_counter()
    return do(), time.perf_counter() - begun
