"""The supervisor with real process trees that fail, stay, hide and are killed in every way we know."""

import asyncio
import json
import secrets
import signal
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import aiohttp
import psutil
import pytest

from runtime.agent.supervisor.restarts import Patience
from runtime.contract import paths
from tests.runtime.agent.supervised import MARK
from tests.runtime.agent.troubled import KINDS
from tests.runtime.serving import LOOPBACK
from tests.waiting import until

LIMIT_S = 60
"""Seconds anything may take: these machines run several things at once."""
BOTH = ["ollama", "openclaw"]
ALL_KINDS = sorted(KINDS)
PROCESSES = len(KINDS) + 1
"""So many they are: a tree is two."""

AS_PROCESS_1 = ("unshare", "--user", "--map-root-user", "--pid", "--mount-proc", "--fork", "--kill-child")


class Agent:
    """A supervisor's program that runs, its log, and every process it started."""

    def __init__(self, folder: Path, token: str, process: asyncio.subprocess.Process) -> None:
        self.folder = folder
        self.token = token
        self.process = process
        self.log: list[dict[str, Any]] = []
        self._heard = asyncio.Event()
        self._reading = asyncio.create_task(self._read())

    async def _read(self) -> None:
        assert self.process.stdout is not None
        async for line in self.process.stdout:
            self.log.append(json.loads(line))
            self._heard.set()

    async def says(self, name: str, count: int = 1, **fields: Any) -> dict[str, Any]:
        """The line of its log, the `count`th of its kind."""
        async with asyncio.timeout(LIMIT_S):
            while len(found := self.said(name, **fields)) < count:
                assert self.process.returncode is None or not self._reading.done(), self.log
                self._heard.clear()
                await self._heard.wait()
        return found[count - 1]

    def said(self, name: str, **fields: Any) -> list[dict[str, Any]]:
        return [line for line in self.log if {"event": name, **fields}.items() <= line.items()]

    async def ended(self, limit_s: float = LIMIT_S) -> int:
        async with asyncio.timeout(limit_s):
            status = await self.process.wait()
            await self._reading
        return status

    async def end(self) -> int:
        self.process.send_signal(signal.SIGTERM)
        return await self.ended()

    def pids(self, name: str) -> list[int]:
        path = self.folder / name
        return [int(line) for line in path.read_text().split()] if path.exists() else []

    @property
    def supervisor(self) -> psutil.Process:
        """The process that supervises: the guard's only child."""
        return psutil.Process(self.process.pid).children()[0]

    @property
    def reason(self) -> str:
        return (self.folder / "termination-log").read_text()

    def left(self) -> list[psutil.Process]:
        """All that lives of what was started, wherever it hides: by environment or by argument."""
        return [found for found in psutil.process_iter() if _is_marked(found, self.token)]

    async def get(self, path: str, server: str = "ops") -> tuple[int, str]:
        port = (await self.says("serving"))[server]
        async with (
            aiohttp.ClientSession() as client,
            client.get(f"http://{LOOPBACK}:{port}{path}") as answer,
        ):
            return answer.status, await answer.text()


def _is_marked(process: psutil.Process, token: str) -> bool:
    try:
        if process.status() == psutil.STATUS_ZOMBIE:
            return False
        return token in process.cmdline() or process.environ().get(MARK) == token
    except psutil.Error:
        return False


def _is_alive(process: psutil.Process) -> bool:
    return process.is_running() and process.status() != psutil.STATUS_ZOMBIE


@asynccontextmanager
async def agent(
    folder: Path, children: dict[str, dict[str, Any]] | None = None, within: Sequence[str] = (), **plan: Any
) -> AsyncIterator[Agent]:
    """The supervisor's program with these troubles of its children, started by the command `within` if one is given."""
    children = children or {}
    for name in BOTH:
        (folder / f"{name}.json").write_text(json.dumps(children.get(name, {})))
    token = secrets.token_hex(8)
    (folder / "plan.json").write_text(json.dumps({"token": token, "children": BOTH, **plan}))
    (folder / "termination-log").touch()
    process = await asyncio.create_subprocess_exec(
        *within, sys.executable, "-m", "tests.runtime.agent.supervised", str(folder), stdout=asyncio.subprocess.PIPE
    )
    started = Agent(folder, token, process)
    try:
        yield started
    finally:
        if process.returncode is None:
            process.send_signal(signal.SIGTERM)
            await started.ended()
        left = started.left()
        for found in left:
            found.kill()
        assert left == []


async def test_children_start_in_order_and_leave_nothing(tmp_path: Path) -> None:
    kinds = {name: {"starts": ALL_KINDS} for name in BOTH}
    async with agent(tmp_path, kinds) as running:
        await running.says("all children ready")
        ready = [line["child"] for line in running.log if line["event"] in ("started", "child ready")]
        assert ready == ["ollama", "ollama", "openclaw", "openclaw"]
        await until(lambda: all(len(running.pids(f"{name}.left")) == PROCESSES for name in BOTH), "all have started")
        assert await running.end() == 0
        assert running.left() == []
        assert running.reason == ""


@pytest.mark.parametrize("victim", BOTH)
async def test_a_child_that_is_killed_takes_all_its_own_along_and_nothing_of_the_other(
    tmp_path: Path, victim: str
) -> None:
    (other,) = set(BOTH) - {victim}
    kinds = {victim: {"starts": ALL_KINDS}, other: {"starts": [kind for kind in ALL_KINDS if kind != "bare-daemon"]}}
    async with agent(tmp_path, kinds) as running:
        await running.says("all children ready")
        mine, others = f"{victim}.left", f"{other}.left"
        await until(lambda: len(running.pids(mine)) == PROCESSES, "the victim's processes")
        await until(lambda: len(running.pids(others)) == PROCESSES - 1, "the other's processes")
        gone, kept = running.pids(mine), [*running.pids(others), *running.pids(f"{other}.starts")]
        killed = time.monotonic()
        psutil.Process(running.pids(f"{victim}.starts")[0]).kill()
        await running.says("child ready", count=2, child=victim)
        recovery_s = time.monotonic() - killed
        print(f"{victim} works again after {recovery_s:.2f} s")  # noqa: T201  # shown by -s and -rP
        assert recovery_s < LIMIT_S / 2
        alive = {found.pid for found in running.left()}
        assert alive.isdisjoint(gone)
        assert alive.issuperset(kept)
        assert running.said("started", child=other) == running.said("started", child=other)[:1]
        assert not any("orphans" in str(line.get("error")) for line in running.log)


async def test_what_hides_from_a_living_child_is_ended(tmp_path: Path) -> None:
    async with agent(tmp_path, {"openclaw": {"starts": ["bare-daemon", "daemon"]}}) as running:
        await running.says("all children ready")
        ended = await running.says("orphans ended")
        await until(lambda: len(running.pids("openclaw.left")) >= 1, "they have started")
        alive = {found.pid for found in running.left()}
        assert alive.isdisjoint(ended["pids"])
        assert len(alive) == 3  # two children, and the daemon that shows whose it is


async def test_the_dead_are_buried_while_children_live(tmp_path: Path) -> None:
    async with agent(tmp_path, {"openclaw": {"leaves_dead": 20}}) as running:
        await running.says("all children ready")
        assert len(running.supervisor.children()) >= 2
        await until(lambda: len(running.supervisor.children()) == 2, "only the two children are left")


@pytest.mark.parametrize("which", ["supervisor", "guard"])
async def test_a_supervisor_that_is_killed_leaves_nothing(tmp_path: Path, which: str) -> None:
    kinds = {name: {"starts": ALL_KINDS} for name in BOTH}
    async with agent(tmp_path, kinds) as running:
        await running.says("all children ready")
        await until(lambda: len(running.pids("openclaw.left")) == PROCESSES, "all have started")
        supervisor = running.supervisor
        (supervisor if which == "supervisor" else psutil.Process(running.process.pid)).kill()
        killed = time.monotonic()
        assert await running.ended() == (128 + signal.SIGKILL if which == "supervisor" else -signal.SIGKILL)
        await until(lambda: not running.left(), "nothing is left")
        print(f"nothing is left after {time.monotonic() - killed:.2f} s")  # noqa: T201  # shown by -s and -rP
        await until(lambda: not _is_alive(supervisor), "the supervisor is gone")


@pytest.fixture(scope="module")
def pod() -> Sequence[str]:
    """The command that runs another as process 1, as a container does."""
    if subprocess.run([*AS_PROCESS_1, "true"], capture_output=True, check=False).returncode != 0:
        pytest.skip("this machine lets nobody make a process namespace")
    return AS_PROCESS_1


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGKILL])
async def test_as_process_1_it_needs_no_guard(tmp_path: Path, pod: Sequence[str], number: signal.Signals) -> None:
    async with agent(tmp_path, {name: {"starts": ALL_KINDS, "leaves_dead": 5} for name in BOTH}, pod) as running:
        await running.says("all children ready")
        await until(lambda: len(running.pids("openclaw.left")) == PROCESSES, "all have started")
        await until(lambda: not _zombies(running.supervisor), "the dead are buried")
        running.supervisor.send_signal(number)
        assert (await running.ended() == 0) is (number == signal.SIGTERM)
        assert running.left() == []
        assert running.said("started", child="ollama")[0]["pid"] < 10  # it was in a namespace of its own


def _zombies(process: psutil.Process) -> list[psutil.Process]:
    return [child for child in process.children() if child.is_running() and child.status() == psutil.STATUS_ZOMBIE]


async def test_a_child_that_keeps_dying_is_given_up_loudly(tmp_path: Path) -> None:
    async with agent(tmp_path, {"openclaw": {"die": "no such plugin", "starts": ["daemon"]}}) as running:
        assert await running.ended() == 1
        assert running.reason == "openclaw failed 3 times in a row; last: it ended with status 1: no such plugin"
        assert running.said("gave up")[0]["reason"] == running.reason
        assert len(running.pids("openclaw.starts")) == Patience().failures
        assert len(running.pids("ollama.starts")) == 1
        assert running.left() == []


async def test_a_child_that_comes_back_is_kept(tmp_path: Path) -> None:
    async with agent(tmp_path, {"ollama": {"die": "bad luck", "deaths": Patience().failures - 1}}) as running:
        await running.says("all children ready")
        assert len(running.pids("ollama.starts")) == Patience().failures
        assert len(running.pids("openclaw.starts")) == 1
        _, series = await running.get(paths.METRICS)
        assert 'moltghost_agent_child_restarts_total{child="ollama"} 2.0' in series


async def test_a_child_that_dies_after_short_service_again_and_again_is_given_up(tmp_path: Path) -> None:
    async with agent(tmp_path, {"ollama": {"ends_after_s": 0.1}}) as running:
        assert await running.ended() == 1
        assert "ollama failed 3 times in a row; last: it ended with status 1: enough" in running.reason


async def test_a_child_that_served_well_in_between_is_not_given_up(tmp_path: Path) -> None:
    async with agent(tmp_path, {"ollama": {"ends_after_s": 0.1}}, stable_s=0.05) as running:
        await running.says("child ready", count=Patience().failures + 2, child="ollama")
        assert {line["in_a_row"] for line in running.said("child failed")} == {1}


async def test_good_service_long_ago_counts_for_no_later_failure(tmp_path: Path) -> None:
    plan = {"lives": 1, "ends_after_s": 0.2, "die": "no such plugin"}
    async with agent(tmp_path, {"openclaw": plan}, stable_s=0.1) as running:
        assert await running.ended() == 1
        assert [line["in_a_row"] for line in running.said("child failed")] == [1, 2, 3]


async def test_a_child_that_never_does_its_work_is_given_up(tmp_path: Path) -> None:
    async with agent(tmp_path, {"openclaw": {"hang": True, "stubborn": True}}, prove_s=0.3, stop_s=0.1) as running:
        assert await running.ended() == 1
        assert running.reason.endswith("last: it did not do its work within 0.3 s")


async def test_what_another_start_could_not_mend_ends_the_agent_at_once(tmp_path: Path) -> None:
    async with agent(tmp_path, bad="ollama", hand_over={"snapshot": ""}) as running:
        assert await running.ended() == 1
        assert running.reason == "ollama is of no use"
        assert len(running.pids("ollama.starts")) == 1
        assert running.pids("openclaw.starts") == []
        assert not (tmp_path / "steps").exists()  # nothing was ever served: there is nothing to hand over


async def test_a_child_that_ignores_sigterm_is_killed_in_time(tmp_path: Path) -> None:
    async with agent(tmp_path, {"openclaw": {"stubborn": True}}, stop_s=0.3) as running:
        await running.says("all children ready")
        started = time.monotonic()
        assert await running.end() == 0
        assert 0.3 <= time.monotonic() - started < LIMIT_S / 2
        assert [line["child"] for line in running.said("killed")] == ["openclaw"]


async def test_preparations_come_first_and_in_order(tmp_path: Path) -> None:
    async with agent(tmp_path, prepare={"store": "", "skills": "", "config": ""}) as running:
        await running.says("all children ready")
        order = [
            line.get("step", line.get("child")) for line in running.log if line["event"] in ("prepared", "started")
        ]
        assert order == ["store", "skills", "config", *BOTH]


async def test_a_preparation_that_fails_is_a_failed_start(tmp_path: Path) -> None:
    async with agent(tmp_path, prepare={"store": "", "skills": "fail", "config": ""}) as running:
        assert await running.ended() == 1
        assert running.reason == "skills failed"
        assert (tmp_path / "steps").read_text().split() == ["store", "skills"]
        assert running.said("started") == []


@pytest.mark.parametrize("stage", ["preparing", "proving"])
async def test_an_end_in_the_middle_of_the_start_is_orderly(tmp_path: Path, stage: str) -> None:
    prepare = {"store": "hang"} if stage == "preparing" else {}
    async with agent(tmp_path, {"ollama": {"hang": True}}, prepare=prepare, hand_over={"snapshot": ""}) as running:
        await running.says("serving" if stage == "preparing" else "started")
        status, body = await running.get(paths.READY)
        assert (status, json.loads(body)["failing"]) == (503, ["ollama-running", "openclaw-running"])
        assert await running.end() == 0
        assert running.left() == []
        assert "snapshot" not in ((tmp_path / "steps").read_text() if prepare else "")


async def test_every_hand_over_is_tried_before_the_children_end(tmp_path: Path) -> None:
    async with agent(tmp_path, hand_over={"receipts": "fail", "state": "hang", "snapshot": ""}) as running:
        await running.says("all children ready")
        assert await running.end() == 0
        assert (tmp_path / "steps").read_text().split() == ["receipts", "state", "snapshot"]
        failed = [(line["step"], line["error"]) for line in running.said("hand-over failed")]
        assert failed == [("receipts", "AgentError"), ("state", "TimeoutError")]
        last = [
            line.get("step", line.get("child")) for line in running.log if line["event"] in ("handed over", "ended")
        ]
        assert last == ["snapshot", "openclaw", "ollama"]


async def ten_streams(running: Agent, events: int) -> list[asyncio.Task[tuple[int, str]]]:
    """Ten answers that have begun; each ends as its status and its text."""
    port = (await running.says("serving"))["door"]
    begun = asyncio.Barrier(11)

    async def read() -> tuple[int, str]:
        url = f"http://{LOOPBACK}:{port}/stream/{events}"
        async with aiohttp.ClientSession() as client, client.get(url) as answer:
            first = await answer.content.readline()
            await begun.wait()
            return answer.status, (first + await answer.read()).decode()

    streams = [asyncio.create_task(read()) for _ in range(10)]
    async with asyncio.timeout(LIMIT_S):
        await begun.wait()
    return streams


async def test_running_streams_finish_while_new_ones_are_refused(tmp_path: Path) -> None:
    async with agent(tmp_path) as running:
        await running.says("all children ready")
        assert (await running.get(paths.READY))[0] == 200
        streams = await ten_streams(running, events=50)
        running.process.send_signal(signal.SIGTERM)
        await running.says("stopping")
        running.process.send_signal(signal.SIGTERM)  # a second one changes nothing
        assert (await running.get("/stream/1", "door"))[0] == 503
        status, body = await running.get(paths.READY)
        assert (status, json.loads(body)) == (503, {"ready": False, "failing": ["not-stopping"]})
        assert (await running.get(paths.LIVE))[0] == 200
        answers = await asyncio.gather(*streams)
        assert all(status == 200 and text.endswith("data: 49\n\ndata: [DONE]\n\n") for status, text in answers)
        assert await running.ended() == 0
        assert running.said("requests ended")[0]["finished"] is True


async def test_streams_that_take_too_long_are_cut_and_say_so(tmp_path: Path) -> None:
    async with agent(tmp_path, grace_s=0.5, hand_over={"snapshot": ""}) as running:
        await running.says("all children ready")
        streams = await ten_streams(running, events=10_000)
        started = time.monotonic()
        assert await running.end() == 0
        assert 0.5 <= time.monotonic() - started < LIMIT_S / 2
        for status, text in await asyncio.gather(*streams):
            assert (status, text.endswith('data: {"error": "cut"}\n\n')) == (200, True)
        order = [line["event"] for line in running.log if line["event"] in ("requests ended", "handed over", "stopped")]
        assert order == ["requests ended", "handed over", "stopped"]
        assert running.said("requests ended")[0]["finished"] is False


async def test_streams_are_cut_when_a_child_is_given_up(tmp_path: Path) -> None:
    async with agent(tmp_path, wait_s=0.2) as running:
        await running.says("all children ready")
        streams = await ten_streams(running, events=10_000)
        for start in range(Patience().failures):
            await until(lambda: len(running.pids("openclaw.ready")) > start, "openclaw is ready")  # noqa: B023
            psutil.Process(running.pids("openclaw.ready")[start]).kill()
        assert all(text.endswith('data: {"error": "cut"}\n\n') for _, text in await asyncio.gather(*streams))
        assert await running.ended() == 1
        assert running.reason.endswith("it ended with signal 9: ")


async def test_streams_nobody_serves_any_more_are_not_waited_for(tmp_path: Path) -> None:
    async with agent(tmp_path, {"openclaw": {"lives": 1, "die": "gone"}}, grace_s=50) as running:
        await running.says("all children ready")
        streams = await ten_streams(running, events=10_000)
        running.process.send_signal(signal.SIGTERM)
        await running.says("stopping")
        psutil.Process(running.pids("openclaw.starts")[0]).kill()
        assert await running.ended(25) == 1
        assert all(text.endswith('data: {"error": "cut"}\n\n') for _, text in await asyncio.gather(*streams))


async def test_no_prompt_reaches_the_log_or_the_reason(tmp_path: Path) -> None:
    said = ["PROMPT canary-1", "harmless", "x" * (1 << 17) + " canary-2 " + "y" * 100, "last words"]
    async with agent(tmp_path, {"ollama": {"says": said, "die": "PROMPT canary-3"}}) as running:
        assert await running.ended() == 1
        everything = json.dumps(running.log) + running.reason
        assert "canary" not in everything
        assert [line["line"] for line in running.said("output")] == ["harmless", "last words"] * 3
        assert running.reason.endswith("status 1: harmless | last words")
