"""Processes of one state folder, found by the mark in their environment, whoever their parent is now."""

import os
import signal
from contextlib import suppress
from pathlib import Path

import psutil

INSTANCE_ENV = "MOLTGHOST_INSTANCE"
"""Holds the state folder's absolute path in every process that was started for it."""


def end_instance(state: Path) -> None:
    """Kill every process that carries the state folder's mark, and wait until all are gone."""
    while processes := instance_processes(state):
        for process in processes:
            with suppress(psutil.NoSuchProcess):
                process.send_signal(signal.SIGKILL)
        psutil.wait_procs(processes, timeout=10)


def instance_processes(state: Path) -> list[psutil.Process]:
    """Living processes of the state folder, whoever their parent is now. The caller and its parents are left out."""
    mark = str(state.resolve())
    own = {os.getpid(), *(parent.pid for parent in psutil.Process().parents())}
    return [process for process in psutil.process_iter() if process.pid not in own and _mark(process) == mark]


def other_instances(state: Path) -> set[Path]:
    """State folders, other than this one, that have living processes."""
    marks = {mark for process in psutil.process_iter() if (mark := _mark(process))}
    return {Path(mark) for mark in marks} - {state.resolve()}


def _mark(process: psutil.Process) -> str | None:
    try:
        if process.status() == psutil.STATUS_ZOMBIE:
            return None
        return process.environ().get(INSTANCE_ENV)
    except (psutil.Error, OSError):
        return None
