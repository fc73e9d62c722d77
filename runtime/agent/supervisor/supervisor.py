"""The agent's life from its first preparation to its last child's end."""

import asyncio
import logging
import time
from collections.abc import Callable, Sequence

from runtime.agent.supervisor.child import END_S
from runtime.agent.supervisor.family import Family
from runtime.agent.supervisor.heartbeat import TICK_S, Heartbeat
from runtime.agent.supervisor.keeping import KeptChild, cancel
from runtime.agent.supervisor.readiness import Part, is_true
from runtime.agent.supervisor.restarts import Patience
from runtime.agent.supervisor.spec import ChildSpec, HandOver, Preparation
from runtime.contract import limits
from runtime.http.lifecycle import Lifecycle
from runtime.http.log import event

CUT_S = 1
"""Seconds requests get to say, once they are cut, that they were."""
CLOSE_S = 2
"""Seconds kept for what comes after the children: closing the servers, leaving the interpreter."""

_log = logging.getLogger("supervisor")


def longest_end_s(children: Sequence[ChildSpec], hand_over: Sequence[HandOver], grace_s: float) -> float:
    """Seconds from SIGTERM to exit when everything takes as long as it may."""
    return (
        grace_s
        + CUT_S
        + sum(step.limit_s for step in hand_over)
        + sum(child.stop_s + END_S for child in children)
        + CLOSE_S
    )


class Supervisor:
    """Prepares, starts the children in order, keeps them running, and ends everything in order.

    Raises ValueError when the end could take longer than the pod is given for it.
    """

    def __init__(
        self,
        lifecycle: Lifecycle,
        children: Sequence[ChildSpec],
        *,
        preparations: Sequence[Preparation] = (),
        hand_over: Sequence[HandOver] = (),
        on_restart: Callable[[str], None] = lambda _: None,
        patience: Patience | None = None,
        grace_s: float = limits.GRACE_S,
        heartbeat: Heartbeat | None = None,
        family: Family | None = None,
    ) -> None:
        longest_s = longest_end_s(children, hand_over, grace_s)
        if longest_s > limits.TERMINATION_GRACE_S:
            raise ValueError(
                f"the agent's end could take {longest_s:g} s where its pod gets {limits.TERMINATION_GRACE_S} s; "
                "shorten the children's or the hand-over's limits"
            )
        self.heartbeat = heartbeat or Heartbeat()
        self._lifecycle = lifecycle
        self._preparations = preparations
        self._hand_over = hand_over
        self._grace_s = grace_s
        self._family = family or Family()
        self._children = [KeptChild(spec, self._family, patience or Patience(), on_restart) for spec in children]
        self._running: list[asyncio.Task[None]] = []
        self._has_served = False

    @property
    def ready(self) -> bool:
        """Do all children do their work, and is no end asked for?"""
        return not self._lifecycle.stopping.is_set() and all(child.proven.is_set() for child in self._children)

    def parts(self) -> list[Part]:
        """What the supervisor itself knows of being ready: that no end is asked for, and each child's state."""
        stopping = Part(name="not-stopping", check=is_true(lambda: not self._lifecycle.stopping.is_set()))
        children = [Part(name=f"{child.name}-running", check=is_true(child.proven.is_set)) for child in self._children]
        return [stopping, *children]

    async def run(self) -> None:
        """The whole life. Returns once `lifecycle.stopping` was set and everything has ended in order.

        Raises AgentError when the agent cannot do its work. No child is left either way, nor when this is cancelled.
        """
        living = asyncio.create_task(self._live())
        try:
            while not living.done():
                await asyncio.wait((living,), timeout=TICK_S)
                if self._running:
                    await self._family.sweep()
                self.heartbeat.beat()
        finally:
            await cancel(living)
        living.result()

    async def _live(self) -> None:
        serving = asyncio.create_task(self._serve())
        try:
            await self._lifecycle.run_until_stopped(serving)
            event(_log, logging.INFO, "stopping")
            await self._drain(serving)
        finally:
            await self._end(serving)
        if not serving.cancelled():
            serving.result()

    async def _serve(self) -> None:
        """Prepare, then keep the children running until one cannot be. Raises AgentError."""
        for step in self._preparations:
            started = time.monotonic()
            await step.run()
            event(_log, logging.INFO, "prepared", step=step.name, seconds=round(time.monotonic() - started, 2))
        started = time.monotonic()
        for number, child in enumerate(self._children):
            before = [earlier.proven for earlier in self._children[:number]]
            self._running.append(asyncio.create_task(child.run(before)))
        noting = asyncio.create_task(self._note_service(started))
        try:
            ended, _ = await asyncio.wait(self._running, return_when=asyncio.FIRST_COMPLETED)
        finally:
            await cancel(noting)
        for task in ended:
            task.result()

    async def _note_service(self, started: float) -> None:
        for child in self._children:
            await child.proven.wait()
        self._has_served = True
        event(_log, logging.INFO, "all children ready", seconds=round(time.monotonic() - started, 2))

    async def _drain(self, serving: asyncio.Task[None]) -> None:
        """Let running requests finish, within the grace time and as long as there is something to serve them."""
        finishing = asyncio.create_task(self._lifecycle.idle(self._grace_s))
        await asyncio.wait((finishing, serving), return_when=asyncio.FIRST_COMPLETED)
        await cancel(finishing)

    async def _end(self, serving: asyncio.Task[None]) -> None:
        """Cut what still runs, hand over, and end the children, the last one first."""
        self._lifecycle.stopping.set()
        finished = await self._lifecycle.idle(0)
        self._lifecycle.cutting.set()
        await self._lifecycle.idle(CUT_S)
        event(_log, logging.INFO, "requests ended", finished=finished)
        if self._has_served:
            for step in self._hand_over:
                await _attempt(step)
        await cancel(serving)
        for task in reversed(self._running):
            await cancel(task)
        await self._family.sweep()
        event(_log, logging.INFO, "stopped")


async def _attempt(step: HandOver) -> None:
    """One step of handing over; that it fails must not keep the next one from being done."""
    started = time.monotonic()
    try:
        async with asyncio.timeout(step.limit_s):
            await step.run()
    except Exception:
        _log.exception("hand-over failed", extra={"fields": {"step": step.name}})
        return
    event(_log, logging.INFO, "handed over", step=step.name, seconds=round(time.monotonic() - started, 2))
