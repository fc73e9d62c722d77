"""Outside a pod: a parent that outlives the supervisor just long enough to end all it leaves behind.

In a pod the supervisor is process 1, and the kernel ends everything with it.
"""

import os
import signal
import sys
import time
from collections.abc import Callable

import psutil

from runtime.agent.supervisor.family import become_reaper, descendants, end_with_parent, ending

_FORWARDED = (signal.SIGTERM, signal.SIGINT)
_KILLED = 128
"""Added to the number of the signal that ended the supervisor, as shells do."""


def guarded(program: Callable[[], int]) -> int:
    """Run `program` so that nothing it starts outlives it, whatever kills it; its exit status.

    It runs in a process of its own, which gets every orphan as process 1 of a pod does, and is told to end when this
    one is killed. Call it before any thread starts.
    """
    if os.getpid() == 1:
        return program()
    become_reaper()
    ours = os.getpid()
    sys.stdout.flush()
    # A signal must find the child known here, and the child as it was before the fork.
    before = signal.pthread_sigmask(signal.SIG_BLOCK, _FORWARDED)
    pid = os.fork()
    if pid == 0:
        become_reaper()
        end_with_parent(signal.SIGTERM)
        if os.getppid() != ours:
            os.kill(os.getpid(), signal.SIGTERM)
        signal.pthread_sigmask(signal.SIG_SETMASK, before)
        return program()
    for number in _FORWARDED:
        signal.signal(number, lambda number, _: os.kill(pid, number))
    signal.pthread_sigmask(signal.SIG_SETMASK, before)
    status = _bury_until(pid)
    for number in _FORWARDED:
        signal.signal(number, signal.SIG_IGN)
    for pause_s in ending(lambda: descendants(psutil.Process()), set()):
        time.sleep(pause_s)
    return status


def _bury_until(pid: int) -> int:
    """Bury whatever orphan ends, until this child does; its exit status."""
    while True:
        ended, status = os.waitpid(-1, 0)
        if ended == pid:
            code = os.waitstatus_to_exitcode(status)
            return code if code >= 0 else _KILLED - code
