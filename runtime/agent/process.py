"""A program run as a child, with all that it starts, and ended with all of it."""

import asyncio
import contextlib
import logging
import os
import signal
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from runtime.http.log import event

_STOP_S = 5
"""Seconds a process group gets to end after SIGTERM."""
_REAP_S, _REAP_POLL_S = 2, 0.01
_LINE_BYTES = 1 << 20
_TAIL_LINES = 8
_TAIL_CHARS = 300

_log = logging.getLogger("child")


class Child:
    """A running program in a process group of its own; its output goes line by line into our log."""

    def __init__(
        self, process: asyncio.subprocess.Process, output: int, name: str, is_noise: Callable[[str], bool]
    ) -> None:
        self._process = process
        self._name = name
        self._is_noise = is_noise
        self._tail: deque[str] = deque(maxlen=_TAIL_LINES)
        self._reading = asyncio.create_task(self._read(output))

    @classmethod
    async def start(
        cls,
        command: Sequence[str],
        environ: Mapping[str, str],
        cwd: Path,
        is_noise: Callable[[str], bool] = lambda _: False,
    ) -> "Child":
        """Start `command` with exactly this environment; lines that are noise are not logged.

        Raises OSError if it cannot be started.
        """
        # A pipe of our own: asyncio would take the program for running as long as anything it started holds its pipe.
        ours, its = os.pipe()
        try:
            process = await asyncio.create_subprocess_exec(
                *command,
                env=dict(environ),
                cwd=cwd,
                stdin=asyncio.subprocess.DEVNULL,
                stdout=its,
                stderr=its,
                start_new_session=True,
            )
        except BaseException:
            os.close(ours)
            raise
        finally:
            os.close(its)
        return cls(process, ours, Path(command[0]).name, is_noise)

    @property
    def pid(self) -> int:
        """The program's process id, and its group's."""
        return self._process.pid

    @property
    def tail(self) -> str:
        """The last lines it wrote, shortened."""
        return " | ".join(self._tail)

    async def wait(self) -> int:
        """Its exit status, once it has ended and all it wrote is read; negative is a signal's number."""
        status = await self._process.wait()
        # Something it started may hold the pipe open: what it wrote itself is there by now.
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(1):
                await asyncio.shield(self._reading)
        return status

    async def stop(self) -> None:
        """End it and everything it started: SIGTERM, then SIGKILL."""
        self._signal(signal.SIGTERM)
        try:
            async with asyncio.timeout(_STOP_S):
                await self._process.wait()
        except TimeoutError:
            event(_log, logging.WARNING, "killed", child=self._name)
        finally:
            self._signal(signal.SIGKILL)
        await self._process.wait()
        await self._reap()
        self._reading.cancel()
        await asyncio.gather(self._reading, return_exceptions=True)

    def _signal(self, number: signal.Signals) -> None:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.pid, number)

    async def _reap(self) -> None:
        """As process 1 of a pod we inherit what the program leaves behind: let none of it linger."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(_REAP_S):
                while self._has_dead_or_dying():  # noqa: ASYNC110  # the kernel tells only the parent, not us
                    await asyncio.sleep(_REAP_POLL_S)

    def _has_dead_or_dying(self) -> bool:
        """Bury one of the group if it is dead; False once none of it is ours to bury."""
        try:
            os.waitpid(-self.pid, os.WNOHANG)
        except ChildProcessError:
            return False
        return True

    async def _read(self, output: int) -> None:
        reader = asyncio.StreamReader(limit=_LINE_BYTES)
        transport, _ = await asyncio.get_running_loop().connect_read_pipe(
            lambda: asyncio.StreamReaderProtocol(reader), os.fdopen(output, "rb", buffering=0)
        )
        try:
            while line := await _next_line(reader):
                self._take(line.decode(errors="replace").strip())
        finally:
            transport.close()

    def _take(self, line: str) -> None:
        if line and not self._is_noise(line):
            self._tail.append(line[:_TAIL_CHARS])
            event(_log, logging.INFO, "output", child=self._name, line=line)


async def _next_line(reader: asyncio.StreamReader) -> bytes:
    """The next line, with its end; of one beyond the limit the rest; nothing at the end."""
    while True:
        with contextlib.suppress(ValueError):
            return await reader.readline()
