"""How long a request may go on working."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from runtime.contract import errors


class Patience:
    """Ends in TimeoutError when nothing happens for too long, when all of it takes too long, or when `cutting` is set.

    Times are the event loop's.
    """

    def __init__(self, deadline: asyncio.Timeout, ends: float, cutting: asyncio.Event) -> None:
        self._deadline = deadline
        self._ends = ends
        self._cutting = cutting

    def extend(self, seconds: float) -> None:
        """There was progress: the next step may take `seconds`."""
        if not self._cutting.is_set() and not self._deadline.expired():
            self._deadline.reschedule(min(asyncio.get_running_loop().time() + seconds, self._ends))

    def end(self) -> None:
        """No step more."""
        if not self._deadline.expired():
            self._deadline.reschedule(asyncio.get_running_loop().time())

    @property
    def reason(self) -> errors.ErrorKind:
        """What a client reads of it that patience has ended."""
        return errors.STOPPING if self._cutting.is_set() else errors.UPSTREAM_TIMEOUT


@asynccontextmanager
async def patience(cutting: asyncio.Event, first_s: float, whole_s: float) -> AsyncIterator[Patience]:
    """Work under patience: the first step may take `first_s` seconds, all of them `whole_s`."""
    now = asyncio.get_running_loop().time()
    async with asyncio.timeout_at(min(now + first_s, now + whole_s)) as deadline:
        left = Patience(deadline, now + whole_s, cutting)

        async def watch() -> None:
            await cutting.wait()
            left.end()

        watching = asyncio.create_task(watch())
        try:
            yield left
        finally:
            watching.cancel()
