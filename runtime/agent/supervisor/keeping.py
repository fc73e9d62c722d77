"""Keeping one child running: start, prove, watch, and again when it fails."""

import asyncio
import logging
import time
from collections.abc import Callable, Coroutine, Sequence
from typing import Any

from runtime.agent.failures import GaveUpError, ServerError
from runtime.agent.supervisor.child import Child
from runtime.agent.supervisor.family import Family
from runtime.agent.supervisor.restarts import History, Patience, after_failure
from runtime.agent.supervisor.spec import ChildSpec, Step
from runtime.http.log import event

_ENDING_S = 1
"""Seconds to wait whether a check failed because the child was just ending."""

_log = logging.getLogger("supervisor")


class KeptChild:
    """A child and its restarts; `proven` is set while it does its work."""

    def __init__(
        self,
        spec: ChildSpec,
        family: Family,
        patience: Patience,
        on_restart: Callable[[str], None],
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.name = spec.name
        self.proven = asyncio.Event()
        self._spec = spec
        self._family = family
        self._patience = patience
        self._on_restart = on_restart
        self._clock = clock
        self._proven_at: float | None = None

    async def run(self, before: Sequence[asyncio.Event] = ()) -> None:
        """Keep it running until cancelled, started only while `before` are all set; nothing of it is left then.

        Raises GaveUpError when it fails too often, and whatever AgentError another start could not mend.
        """
        history = History()
        while True:
            for earlier in before:
                await earlier.wait()
            try:
                await self._live_once()
            except ServerError as error:
                verdict = after_failure(history, self._served_s(), self._patience)
                history = verdict.history
                event(
                    _log, logging.ERROR, "child failed", child=self.name, reason=str(error), in_a_row=history.failures
                )
                if verdict.wait_s is None:
                    message = f"{self.name} failed {history.failures} times in a row; last: {error}"
                    raise GaveUpError(message) from error
                await asyncio.sleep(verdict.wait_s)
                self._on_restart(self.name)

    def _served_s(self) -> float:
        return 0 if self._proven_at is None else self._clock() - self._proven_at

    async def _live_once(self) -> None:
        """One life of the child. Raises ServerError at its end, or what `before`, `prove` and `watch` raise."""
        self._proven_at = None
        await self._in_time(self._spec.before, "was not prepared")
        child = await Child.start(self._spec, self._family)
        try:
            await _until_end(child, self._work())
        finally:
            self.proven.clear()
            await child.stop()

    async def _work(self) -> None:
        started = self._clock()
        await self._in_time(self._spec.prove, "did not do its work")
        self._proven_at = self._clock()
        self.proven.set()
        event(_log, logging.INFO, "child ready", child=self.name, seconds=round(self._proven_at - started, 2))
        await self._spec.watch()
        await asyncio.Event().wait()  # only its end is left to wait for

    async def _in_time(self, step: Step, otherwise: str) -> None:
        try:
            async with asyncio.timeout(self._spec.prove_s) as limit:
                await step()
        except TimeoutError as error:
            if not limit.expired():
                raise
            raise ServerError(f"it {otherwise} within {self._spec.prove_s:g} s") from error


async def _until_end(child: Child, work: Coroutine[Any, Any, None]) -> None:
    """Work until the child ends, which raises ServerError; so does work that fails because the child was ending."""
    working, failing = asyncio.create_task(work), asyncio.create_task(child.fail())
    try:
        await asyncio.wait((working, failing), return_when=asyncio.FIRST_COMPLETED)
        if not failing.done():
            await asyncio.wait((failing,), timeout=_ENDING_S)
        if failing.done():
            raise failing.result()
        working.result()
    finally:
        await cancel(working)
        await cancel(failing)


async def cancel(task: asyncio.Task[Any]) -> None:
    """Cancel a task and wait until it has ended."""
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
