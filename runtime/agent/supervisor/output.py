"""What a program writes, line by line into our log."""

import asyncio
import contextlib
import logging
import os
from collections import deque
from collections.abc import Callable

from runtime.http.log import event

LINE_BYTES = 1 << 16
"""The longest line that is logged; a longer one is left out whole, since nobody could judge it by its parts."""
_TAIL_LINES = 8
_TAIL_CHARS = 300

_log = logging.getLogger("child")


class Output:
    """Reads a pipe until its end. Lines that are noise are neither logged nor kept."""

    def __init__(self, pipe: int, name: str, is_noise: Callable[[str], bool]) -> None:
        self._name = name
        self._is_noise = is_noise
        self._tail: deque[str] = deque(maxlen=_TAIL_LINES)
        self._reading = asyncio.create_task(self._read(pipe))

    @property
    def tail(self) -> str:
        """The last lines, shortened."""
        return " | ".join(self._tail)

    async def end(self, limit_s: float) -> None:
        """Wait for the pipe's end, not longer than `limit_s`: something may hold it open."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(limit_s):
                await asyncio.shield(self._reading)

    async def close(self) -> None:
        """Read no more."""
        self._reading.cancel()
        await asyncio.gather(self._reading, return_exceptions=True)

    async def _read(self, pipe: int) -> None:
        reader = asyncio.StreamReader(limit=LINE_BYTES)
        transport, _ = await asyncio.get_running_loop().connect_read_pipe(
            lambda: asyncio.StreamReaderProtocol(reader), os.fdopen(pipe, "rb", buffering=0)
        )
        try:
            while (line := await _next_line(reader)) is not None:
                self._take(line.decode(errors="replace").strip())
        finally:
            transport.close()

    def _take(self, line: str) -> None:
        if line and not self._is_noise(line):
            self._tail.append(line[:_TAIL_CHARS])
            event(_log, logging.INFO, "output", child=self._name, line=line)


async def _next_line(reader: asyncio.StreamReader) -> bytes | None:
    """The next line; nothing of one beyond the limit; None at the end."""
    whole = True
    while True:
        try:
            line = await reader.readuntil()
        except asyncio.IncompleteReadError as error:
            line = error.partial
            if not line:
                return None
        except asyncio.LimitOverrunError as error:
            await reader.readexactly(error.consumed)
            whole = False
            continue
        return line if whole else b""
