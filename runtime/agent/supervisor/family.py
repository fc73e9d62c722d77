"""Whose process is this: every descendant of ours belongs to a living child, or is ended."""

import asyncio
import contextlib
import ctypes
import logging
import os
import signal
import time
from collections.abc import AsyncIterator, Callable, Iterator

import psutil

from runtime.http.log import event

MARK = "MOLTGHOST_CHILD"
"""The environment variable that tells a child's processes from another's, also once they left its session."""
SWEEP_S = 0.5
"""Seconds killed processes get to be gone; one that hangs in the kernel may take longer."""
_PAUSE_S = 0.01
_PR_SET_PDEATHSIG, _PR_SET_CHILD_SUBREAPER = 1, 36

Find = Callable[[], list[psutil.Process]]

_log = logging.getLogger("family")


def become_reaper() -> None:
    """Have every orphan among our descendants come to this process, as to process 1 of a pod. Raises OSError."""
    _prctl(_PR_SET_CHILD_SUBREAPER, 1)


def end_with_parent(number: signal.Signals) -> None:
    """Get this signal when our parent ends, however it does. Raises OSError."""
    _prctl(_PR_SET_PDEATHSIG, number)


def _prctl(option: int, value: int) -> None:
    if ctypes.CDLL(None, use_errno=True).prctl(option, value, 0, 0, 0) != 0:
        raise OSError(ctypes.get_errno(), f"prctl {option}")


class Family:
    """The children that live, and the end of all that belongs to none of them.

    A process is a child's if it descends from it, is of its session or carries its mark. Orphans come to us and are
    told by the latter two; one that has neither is nobody's. What ran before there was a family is left alone, but
    another program started beside the children would be taken for an orphan.
    """

    def __init__(self) -> None:
        self._marks: dict[int, str] = {}
        self._before = set(psutil.Process().children())
        self._lock = asyncio.Lock()

    @contextlib.asynccontextmanager
    async def starting(self) -> AsyncIterator[None]:
        """Nothing is swept while a child is being started, which is not known by its id before it runs."""
        async with self._lock:
            yield

    def add(self, pid: int, mark: str) -> None:
        """A child lives; it leads a session of its own, and carries the mark."""
        self._marks[pid] = mark

    def remove(self, pid: int) -> None:
        """A child has ended and was buried: what it left is nobody's."""
        self._marks.pop(pid, None)

    async def sweep(self) -> None:
        """Bury the dead and end every process that is nobody's; of asyncio's own children nothing is touched."""
        async with self._lock:
            killed: set[psutil.Process] = set()
            deadline = time.monotonic() + SWEEP_S
            for pause_s in ending(self._strays, killed):
                if time.monotonic() > deadline:
                    event(_log, logging.ERROR, "processes do not end", pids=[stray.pid for stray in self._strays()])
                    break
                await asyncio.sleep(pause_s)
            if killed:
                event(_log, logging.WARNING, "orphans ended", pids=sorted(process.pid for process in killed))

    def _strays(self) -> list[psutil.Process]:
        orphans = [process for process in psutil.Process().children() if not self._is_ours(process)]
        return [*orphans, *(below for orphan in orphans for below in descendants(orphan))]

    def _is_ours(self, process: psutil.Process) -> bool:
        if process.pid in self._marks or process in self._before:
            return True
        try:
            if process.status() == psutil.STATUS_ZOMBIE:
                return False
            return os.getsid(process.pid) in self._marks or process.environ().get(MARK) in self._marks.values()
        except (psutil.Error, OSError):
            return False


def descendants(process: psutil.Process) -> list[psutil.Process]:
    """All that descend from a process; none if it is gone."""
    try:
        return process.children(recursive=True)
    except psutil.NoSuchProcess:
        return []


def ending(find: Find, killed: set[psutil.Process]) -> Iterator[float]:
    """Kill and bury what `find` finds until it finds nothing; yields how many seconds to wait before the next look.

    All of them are stopped first, until no new one turns up: what is stopped starts no others while we look.
    """
    stopped: set[psutil.Process] = set()
    while found := [process for process in find() if not _bury(process)]:
        new = set(found) - stopped
        for process in new or found:
            with contextlib.suppress(psutil.Error):
                process.send_signal(signal.SIGSTOP if new else signal.SIGKILL)
        stopped |= new
        if not new:
            killed.update(found)
        yield 0 if new else _PAUSE_S


def _bury(process: psutil.Process) -> bool:
    """Is it dead, and if it was ours to bury, buried?"""
    try:
        if process.status() != psutil.STATUS_ZOMBIE:
            return False
        os.waitpid(process.pid, os.WNOHANG)
    except (psutil.NoSuchProcess, ChildProcessError):
        pass
    return True
