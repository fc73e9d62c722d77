"""The control groups all pods of a local region live under: by them every container is found, and ended."""

import os
import signal
import time
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path

from infra.local.cluster.shell import MachineError

MOUNTS = Path("/proc/self/mounts")
V2_CONTROLLERS = ("cpuset", "cpu", "memory", "pids")
"""What the kubelet wants delegated where control groups are version 2 throughout."""
GONE_WITHIN_S = 15


def hierarchies(mounts: str) -> list[Path]:
    """Where control groups are mounted: one folder a controller in version 1, one for all in version 2."""
    fields = (line.split() for line in mounts.splitlines())
    return [Path(field[1]) for field in fields if field[2] in ("cgroup", "cgroup2")]


def ensure_cgroup(name: str) -> None:
    """Make the group in every hierarchy."""
    for root in _roots():
        control = root / "cgroup.subtree_control"
        available = (root / "cgroup.controllers").read_text().split() if control.exists() else []
        for controller in V2_CONTROLLERS:
            if controller in available:
                control.write_text(f"+{controller}")
        (root / name).mkdir(exist_ok=True)


def remove_cgroup(name: str) -> None:
    """Kill every process in the group, wait for its end, and remove the group. Raises MachineError if one lingers."""
    deadline = time.monotonic() + GONE_WITHIN_S
    while pids := group_processes(name):
        if time.monotonic() > deadline:
            raise MachineError(f"processes {sorted(pids)} of control group {name} do not end")
        for pid in pids:
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        time.sleep(0.05)
    for root in _roots():
        _remove_tree(root / name)


def group_processes(name: str) -> set[int]:
    """Pids of all processes in the group and below, in any hierarchy."""
    # A walk passes over what vanishes meanwhile, as a dying pod's groups do.
    folders = (Path(folder) for root in _roots() for folder, _, _ in os.walk(root / name))
    return set(_pids(folder / "cgroup.procs" for folder in folders))


def _pids(files: Iterable[Path]) -> Iterable[int]:
    for file in files:
        with suppress(OSError):  # the group may vanish meanwhile
            yield from (int(line) for line in file.read_text().split())


def _remove_tree(group: Path) -> None:
    if group.exists():
        for folder in [*sorted((p for p in group.rglob("*") if p.is_dir()), reverse=True), group]:
            folder.rmdir()


def _roots() -> list[Path]:
    return hierarchies(MOUNTS.read_text())
