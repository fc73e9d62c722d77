"""The supervisor as a part: what it refuses, what it says of itself, how its own standstill shows."""

import asyncio
import os
import sys
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import uvloop

from runtime.agent.failures import AgentError, GaveUpError, ServerError
from runtime.agent.supervisor.child import Child
from runtime.agent.supervisor.family import Family
from runtime.agent.supervisor.heartbeat import STUCK_S, TICK_S, Heartbeat
from runtime.agent.supervisor.reason import exit_status, leave_reason
from runtime.agent.supervisor.restarts import Patience
from runtime.agent.supervisor.spec import ChildSpec, HandOver, Preparation
from runtime.agent.supervisor.supervisor import CLOSE_S, CUT_S, Supervisor, longest_end_s
from runtime.contract import limits
from runtime.http.environment import SettingsError
from runtime.http.lifecycle import Lifecycle
from tests.waiting import until

EAGER = Patience(first_wait_s=0)


async def nothing() -> None:
    pass


SLEEP = ChildSpec(
    name="sleeper",
    command=(sys.executable, "-S", "-c", "import time; time.sleep(600)"),
    environ={},
    cwd=Path("/"),
    is_noise=lambda _: False,
    prove=nothing,
    watch=nothing,
    prove_s=5,
)


@asynccontextmanager
async def run(supervisor: Supervisor) -> AsyncIterator[asyncio.Task[None]]:
    running = asyncio.create_task(supervisor.run())
    try:
        async with asyncio.timeout(20):
            yield running
    finally:
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)


def test_the_longest_end_fits_into_what_the_pod_is_given() -> None:
    two = (SLEEP, replace(SLEEP, name="other"))
    longest_s = longest_end_s(two, (), limits.GRACE_S)
    assert longest_s >= limits.GRACE_S + CUT_S + 2 * SLEEP.stop_s + CLOSE_S
    left_s = limits.TERMINATION_GRACE_S - longest_s
    assert left_s > 0
    Supervisor(Lifecycle(), two, hand_over=[HandOver(name="snapshot", run=nothing, limit_s=left_s)])


@pytest.mark.parametrize(
    ("children", "hand_over_s"),
    [((SLEEP,) * 2, [30.0]), ((SLEEP,) * 2, [4.0, 4.0]), ((replace(SLEEP, stop_s=30),), []), ((SLEEP,) * 9, [])],
)
def test_an_end_that_could_take_longer_is_refused(children: tuple[ChildSpec, ...], hand_over_s: list[float]) -> None:
    hand_over = [HandOver(name="snapshot", run=nothing, limit_s=limit_s) for limit_s in hand_over_s]
    with pytest.raises(ValueError, match=f"could take .* where its pod gets {limits.TERMINATION_GRACE_S} s"):
        Supervisor(Lifecycle(), children, hand_over=hand_over)


def test_a_stuck_loop_is_told_from_a_slow_one() -> None:
    assert STUCK_S > 5 * TICK_S


async def test_each_part_of_its_readiness_is_named_and_true_to_what_is() -> None:
    lifecycle = Lifecycle()
    supervisor = Supervisor(lifecycle, [SLEEP])
    parts = {part.name: part.check for part in supervisor.parts()}
    assert list(parts) == ["not-stopping", "sleeper-running"]
    assert not supervisor.ready
    assert [await check() for check in parts.values()] == [True, False]
    async with run(supervisor):
        await until(lambda: supervisor.ready, "ready")
        assert [await check() for check in parts.values()] == [True, True]
        lifecycle.stopping.set()
        assert not supervisor.ready
        assert await parts["not-stopping"]() is False


class StuckFamily(Family):
    """A family whose sweep never ends until it is released."""

    def __init__(self) -> None:
        super().__init__()
        self.released = asyncio.Event()
        self.sweeping = asyncio.Event()

    async def sweep(self) -> None:
        self.sweeping.set()
        await self.released.wait()


async def test_a_supervising_task_that_hangs_shows_though_the_loop_turns() -> None:
    family, now = StuckFamily(), 0.0
    heartbeat = Heartbeat(clock=lambda: now)
    async with run(Supervisor(Lifecycle(), [SLEEP], heartbeat=heartbeat, family=family)):
        await family.sweeping.wait()
        now = STUCK_S + 1
        await asyncio.sleep(0)
        assert not heartbeat.alive
        family.released.set()
        await until(lambda: heartbeat.alive, "a beat")


async def test_a_supervising_task_that_waits_long_for_a_preparation_lives() -> None:
    now = 0.0
    heartbeat = Heartbeat(clock=lambda: now)

    async def copy() -> None:
        await asyncio.Event().wait()

    async with run(
        Supervisor(Lifecycle(), [SLEEP], preparations=[Preparation(name="copy", run=copy)], heartbeat=heartbeat)
    ):
        now = STUCK_S + 1
        await until(lambda: heartbeat.alive, "a beat")


async def test_programs_that_ran_before_are_left_alone() -> None:
    other = await asyncio.create_subprocess_exec(*SLEEP.command, start_new_session=True)
    family = Family()
    await family.sweep()
    assert other.returncode is None
    os.kill(other.pid, 0)
    other.kill()
    assert await other.wait() == -9


async def _statuses() -> list[str]:
    """How fifty short lives ended, with sweeps beside them all the time."""
    family = Family()
    done = asyncio.Event()

    async def sweep() -> None:
        while not done.is_set():
            await family.sweep()
            await asyncio.sleep(0.001)

    async def live(status: int) -> str:
        spec = replace(SLEEP, command=("/bin/sh", "-c", f"sleep 0.0{status}; exit {status}"))
        child = await Child.start(spec, family)
        try:
            return str(await child.fail())
        finally:
            await child.stop()

    sweeping = asyncio.create_task(sweep())
    tens = range(0, 50, 10)
    async with asyncio.timeout(60):
        said = [text for first in tens for text in await asyncio.gather(*map(live, range(first, first + 10)))]
    done.set()
    await sweeping
    return said


@pytest.mark.parametrize("run_loop", [asyncio.run, uvloop.run])
def test_an_exit_status_is_never_taken_from_the_one_who_waits_for_it(
    run_loop: Callable[[Coroutine[Any, Any, list[str]]], list[str]],
) -> None:
    assert run_loop(_statuses()) == [f"it ended with status {status}: " for status in range(50)]


@pytest.mark.parametrize("command", [("/nonexistent/program",), ("/etc/hostname",), ("/",)])
async def test_a_program_that_cannot_be_started_is_a_failed_start(command: tuple[str, ...]) -> None:
    async with run(Supervisor(Lifecycle(), [replace(SLEEP, command=command)], patience=EAGER)) as running:
        with pytest.raises(AgentError, match="sleeper cannot be started: ") as refused:
            await running
    assert not isinstance(refused.value, GaveUpError)


async def test_a_program_that_cannot_be_started_just_now_is_tried_again(monkeypatch: pytest.MonkeyPatch) -> None:
    tries = 0

    async def refuse(*_: object, **__: object) -> None:
        nonlocal tries
        tries += 1
        raise BlockingIOError(11, "Resource temporarily unavailable")

    monkeypatch.setattr(asyncio, "create_subprocess_exec", refuse)
    async with run(Supervisor(Lifecycle(), [SLEEP], patience=EAGER)) as running:
        with pytest.raises(GaveUpError, match="Resource temporarily unavailable"):
            await running
    assert tries == EAGER.failures


async def test_a_childs_own_preparation_is_done_before_every_start(tmp_path: Path) -> None:
    done: list[str] = []

    async def before() -> None:
        done.append(f"before, {len((tmp_path / 'starts').read_text())} starts")

    async def watch() -> None:
        await until(lambda: len((tmp_path / "starts").read_text()) == len(done), "it was started")
        raise ServerError("it answers no more")

    (tmp_path / "starts").touch()
    command = ("/bin/sh", "-c", "printf x >> starts; exec sleep 600")
    path = {"PATH": os.defpath}
    spec = replace(SLEEP, command=command, environ=path, cwd=tmp_path, before=before, watch=watch)
    async with run(Supervisor(Lifecycle(), [spec], patience=EAGER)) as running:
        with pytest.raises(GaveUpError):
            await running
    assert done == [f"before, {starts} starts" for starts in range(EAGER.failures)]


@pytest.mark.parametrize(
    ("error", "message"), [(None, "was not prepared within 0.1 s"), (AgentError("bad config"), "^bad config$")]
)
async def test_a_childs_own_preparation_that_fails_or_hangs_starts_nothing(
    error: Exception | None, message: str
) -> None:
    async def before() -> None:
        if error:
            raise error
        await asyncio.Event().wait()

    spec = replace(SLEEP, command=("/nonexistent",), before=before, prove_s=0.1)
    async with run(Supervisor(Lifecycle(), [spec], patience=EAGER)) as running:
        with pytest.raises(AgentError, match=message):
            await running


async def test_watching_can_find_a_child_unfit() -> None:
    watched = 0

    async def watch() -> None:
        nonlocal watched
        watched += 1
        raise ServerError("it answers no more")

    lifecycle = Lifecycle()
    async with run(Supervisor(lifecycle, [replace(SLEEP, watch=watch)], patience=EAGER)) as running:
        with pytest.raises(GaveUpError, match="last: it answers no more"):
            await running
    assert watched == EAGER.failures
    assert lifecycle.stopping.is_set()
    assert lifecycle.cutting.is_set()


async def test_a_failure_nobody_foresaw_ends_the_supervisor_and_its_children() -> None:
    async def watch() -> None:
        raise KeyError("context_length")

    async with run(Supervisor(Lifecycle(), [replace(SLEEP, watch=watch)])) as running:
        with pytest.raises(KeyError):
            await running


@pytest.mark.parametrize("error", [AgentError("the model is wrong"), SettingsError("the model is wrong")])
def test_the_reason_of_an_end_is_left_for_kubernetes(tmp_path: Path, error: Exception) -> None:
    reason = tmp_path / "termination-log"
    reason.touch()

    def serve() -> None:
        raise error

    assert exit_status(serve, reason) == 1
    assert reason.read_text() == "the model is wrong"


def test_an_orderly_end_leaves_no_reason(tmp_path: Path) -> None:
    reason = tmp_path / "termination-log"
    reason.touch()
    assert exit_status(lambda: None, reason) == 0
    assert reason.read_text() == ""


def test_a_reason_nobody_foresaw_tells_the_place_but_not_the_message(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    reason = tmp_path / "termination-log"
    reason.touch()

    def serve() -> None:
        raise ValueError("could not read 'my secret prompt'")

    assert exit_status(serve, reason) == 1
    assert reason.read_text().startswith(f"unexpected ValueError at {__file__}:")
    assert "secret" not in reason.read_text() + repr([record.msg for record in caplog.records])


def test_a_reason_is_no_longer_than_kubernetes_reads_and_whole_text(tmp_path: Path) -> None:
    reason = tmp_path / "termination-log"
    reason.touch()
    leave_reason("x" + "é" * 5000, reason)
    assert reason.read_text() == "x" + "é" * 2047


def test_outside_a_container_no_reason_is_left(tmp_path: Path) -> None:
    leave_reason("why", tmp_path / "termination-log")
    assert not (tmp_path / "termination-log").exists()
