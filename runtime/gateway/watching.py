"""Keeping the cache true: list, then watch, again and again."""

import asyncio
import logging
import random
import time
from collections.abc import Callable

from runtime.gateway.kubernetes import Change, GoneError, SandboxSource, SourceError
from runtime.gateway.sandboxes import SandboxCache
from runtime.http.log import event

STALE_S = 120
"""Seconds without a word from the API after which the cache is no longer believed: longer than a watch lasts."""
_PAUSE_S = 0.05
"""Seconds between two watches, lest a server that ends them at once be hammered."""
_BACKOFF_MAX_S = 30.0

_log = logging.getLogger("watch")


def backoff(failures: int) -> float:
    """Seconds to wait after so many failures in a row: none after the first, then doubling, jittered by half."""
    if failures <= 1:
        return _PAUSE_S
    return float(min(_BACKOFF_MAX_S, 0.25 * 2 ** min(failures, 16))) * random.uniform(0.5, 1)  # noqa: S311  # jitter


class SandboxWatch:
    """Fills a cache from a source for as long as it runs."""

    def __init__(
        self,
        source: SandboxSource,
        cache: SandboxCache,
        clock: Callable[[], float] = time.monotonic,
        delay: Callable[[int], float] = backoff,
    ) -> None:
        self._source = source
        self._cache = cache
        self._clock = clock
        self._delay = delay
        self._version: str | None = None
        self._heard: float | None = None
        self._failures = 0

    def fresh(self) -> bool:
        """True once the first list is in, as long as the API was heard of lately."""
        return self._heard is not None and self._clock() - self._heard < STALE_S

    async def run(self) -> None:
        """Follow the source until cancelled. What the source cannot give now is logged and asked for again."""
        while True:
            try:
                if self._version is None:
                    await self._list()
                else:
                    await self._follow(self._version)
                    await asyncio.sleep(_PAUSE_S)
            except SourceError as error:
                if isinstance(error, GoneError):
                    self._version = None
                self._failures += 1
                event(_log, logging.WARNING, "watch failed", reason=str(error), failures=self._failures)
                await asyncio.sleep(self._delay(self._failures))

    async def _list(self) -> None:
        sandboxes, version = await self._source.list()
        self._cache.replace(sandboxes)
        self._version = version
        self._heard = self._clock()
        event(_log, logging.INFO, "listed", sandboxes=len(sandboxes))

    async def _follow(self, version: str) -> None:
        async for change in self._source.watch(version):
            self._apply(change)
        # The server ended the watch in good order: it is alive, and nothing was missed.
        self._heard_of()

    def _apply(self, change: Change) -> None:
        if change.kind == "DELETED":
            self._cache.remove(change.sandbox)
        elif change.kind != "BOOKMARK":
            self._cache.put(change.sandbox)
        self._version = change.version
        self._heard_of()

    def _heard_of(self) -> None:
        self._heard = self._clock()
        self._failures = 0
