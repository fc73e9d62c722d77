"""The life of a program that serves: ready or not, being stopped, how many requests still run."""

import asyncio
import signal

from aiohttp import web


class Lifecycle:
    """Counts running requests, and remembers that an end was asked for.

    `stopping` is set once, by SIGTERM or SIGINT; nothing clears it. `cutting` is set when the requests that still run
    have had their time: they say that they are cut, and end.
    """

    def __init__(self) -> None:
        self.stopping = asyncio.Event()
        self.cutting = asyncio.Event()
        self._running = 0
        self._idle = asyncio.Event()
        self._idle.set()

    def __enter__(self) -> None:
        """One request begins."""
        self._running += 1
        self._idle.clear()

    def __exit__(self, *_: object) -> None:
        self._running -= 1
        if not self._running:
            self._idle.set()

    def stop_on_signals(self) -> None:
        """Turn SIGTERM and SIGINT into `stopping`."""
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, self.stopping.set)

    async def run_until_stopped(self, work: asyncio.Task[None]) -> None:
        """Wait until an end is asked for. Work that ends before that raises here what broke it."""
        stopping = asyncio.create_task(self.stopping.wait())
        try:
            await asyncio.wait((work, stopping), return_when=asyncio.FIRST_COMPLETED)
        finally:
            stopping.cancel()
        if work.done():
            work.result()

    async def idle(self, grace_s: float) -> bool:
        """Wait until no request runs; False if some still do after `grace_s` seconds."""
        try:
            async with asyncio.timeout(grace_s):
                await self._idle.wait()
        except TimeoutError:
            return False
        return True


LIFECYCLE = web.AppKey("lifecycle", Lifecycle)
