"""What an engine that was killed leaves in a file backend: its lock, and operations it never finished."""

import json
import socket
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Any

import psutil

CLOCK_SLACK = 2.0
"""Seconds by which a process's start time and its lock's timestamp may disagree."""


def checkpoint(backend: Path, project: str, stack: str) -> Path:
    """The file that holds a stack's state."""
    return backend / ".pulumi" / "stacks" / project / f"{stack}.json"


def clear_dead_locks(backend: Path, project: str, stack: str) -> list[int]:
    """Remove the stack's locks whose process is gone; their process ids. A live engine's lock, or one of another
    machine, stays.
    """
    folder = backend / ".pulumi" / "locks" / "organization" / project / stack
    dead = []
    for file, lock in _locks(folder):
        if lock.get("hostname") == socket.gethostname() and not _alive(int(lock["pid"]), lock["timestamp"]):
            file.unlink(missing_ok=True)
            dead.append(int(lock["pid"]))
    return dead


def _locks(folder: Path) -> Iterator[tuple[Path, dict[str, Any]]]:
    for file in sorted(folder.glob("*.json")):
        try:
            yield file, json.loads(file.read_text())
        except (FileNotFoundError, json.JSONDecodeError):  # its engine is writing or removing it right now
            continue


def _alive(pid: int, timestamp: str) -> bool:
    """Whether the process that took the lock still runs: a younger one of the same number is another."""
    try:
        started = psutil.Process(pid).create_time()
    except psutil.NoSuchProcess:
        return False
    return started <= datetime.fromisoformat(timestamp).timestamp() + CLOCK_SLACK


def has_pending_operations(file: Path) -> bool:
    """Whether a checkpoint lists operations that were begun and never recorded as done."""
    if not file.exists():
        return False
    latest = json.loads(file.read_text()).get("checkpoint", {}).get("latest") or {}
    return bool(latest.get("pending_operations"))


def without_pending_operations(exported: str) -> str:
    """A stack export (JSON) without them. Our providers find on the next update what such an operation had made."""
    document = json.loads(exported)
    document["deployment"].pop("pending_operations", None)
    return json.dumps(document)
