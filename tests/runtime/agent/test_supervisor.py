"""The supervisor against a model server that fails in every way it can."""

import asyncio
import json
import os
import shutil
import sys
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import psutil
import pytest

from runtime.agent.__main__ import leave_reason, main
from runtime.agent.failures import GaveUpError, ModelError
from runtime.agent.ollama import OllamaApi, environment
from runtime.agent.settings import AgentSettings
from runtime.agent.supervisor import FAILURES, Supervisor, backoff
from runtime.contract import env
from runtime.http import proxy
from tests.runtime.edge import Edge

CONTEXT = 4096
FAKE = Path(__file__).parent / "fake_ollama.py"


class Machine:
    """A fake model server on PATH, a model's source and a volume."""

    def __init__(self, folder: Path, monkeypatch: pytest.MonkeyPatch, port: int) -> None:
        self.bin, source, data = folder / "bin", folder / "source", folder / "data"
        for made in (self.bin, source, data):
            made.mkdir()
        (source / "Modelfile").write_text("FROM ./tiny.gguf\n")
        (source / "tiny.gguf").write_bytes(b"GGUF")
        program = self.bin / "ollama"
        program.write_text(f"#!{sys.executable}\n{FAKE.read_text()}")
        program.chmod(0o755)
        monkeypatch.setenv("PATH", str(self.bin), prepend=os.pathsep)
        self.settings = AgentSettings("acme", "helper", {}, "tiny", source, CONTEXT, data, port)
        self.plan()

    def plan(self, **how: Any) -> None:
        (self.bin / "plan.json").write_text(json.dumps({"context": CONTEXT, **how}))

    def noted(self, name: str) -> list[str]:
        path = self.bin / name
        return path.read_text().splitlines() if path.exists() else []

    @asynccontextmanager
    async def supervised(self) -> AsyncIterator[tuple[Supervisor, asyncio.Task[None]]]:
        async with proxy.client() as session:
            api = OllamaApi(session, self.settings.model_port)
            supervisor = Supervisor(self.settings, api, delay=lambda _: 0.0, check_s=0.05)
            running = asyncio.create_task(supervisor.run())
            try:
                yield supervisor, running
            finally:
                running.cancel()
                await asyncio.gather(running, return_exceptions=True)


@pytest.fixture
def machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, unused_tcp_port: int) -> Machine:
    return Machine(tmp_path, monkeypatch, unused_tcp_port)


async def until(condition: Callable[[], bool], task: asyncio.Task[None] | None = None) -> None:
    """Wait for what another process does; fails as soon as the supervisor has."""
    async with asyncio.timeout(20):
        while not condition():
            if task and task.done():
                task.result()
            await asyncio.sleep(0.01)


async def test_ready_only_once_the_model_has_spoken(machine: Machine) -> None:
    async with machine.supervised() as (supervisor, running):
        assert not supervisor.ready
        await until(lambda: supervisor.ready, running)
        assert machine.noted("calls") == ["/api/create", "/v1/chat/completions"]


async def test_a_model_that_is_there_is_not_made_again(machine: Machine) -> None:
    for _ in range(2):
        async with machine.supervised() as (supervisor, running):
            await until(lambda: supervisor.ready, running)
    assert len(machine.noted("created")) == 1


@pytest.mark.parametrize("changed", ["Modelfile", "tiny.gguf"])
async def test_a_source_that_changed_is_made_again(machine: Machine, changed: str) -> None:
    async with machine.supervised() as (supervisor, running):
        await until(lambda: supervisor.ready, running)
    path = machine.settings.model_source / changed
    before = path.stat()
    path.write_bytes(path.read_bytes()[::-1])  # of the same size, and at the same time, as files of an image are
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))
    async with machine.supervised() as (supervisor, running):
        await until(lambda: supervisor.ready, running)
    assert len(machine.noted("created")) == 2


@pytest.mark.parametrize(
    ("plan", "message"),
    [
        ({"refuse_create": "invalid magic"}, "could not be made of .*invalid magic"),
        ({"refuse_chat": "unable to load model"}, "says 500 .*unable to load model"),
        ({"context": 1024}, "has a context of 1024 tokens where 4096 were asked for"),
    ],
)
async def test_a_model_that_cannot_be_used_is_a_failed_start(machine: Machine, plan: Any, message: str) -> None:
    machine.plan(**plan)
    async with machine.supervised() as (supervisor, running), asyncio.timeout(20):
        with pytest.raises(ModelError, match=message):
            await running
        assert not supervisor.ready
    assert len(machine.noted("starts")) == 1


async def test_a_source_that_is_missing_is_named(machine: Machine) -> None:
    shutil.rmtree(machine.settings.model_source)
    async with machine.supervised() as (_, running), asyncio.timeout(20):
        with pytest.raises(ModelError, match=r"model source .*source: No such file"):
            await running


async def test_no_model_server_at_all_is_a_failed_start(machine: Machine, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "/nonexistent")
    async with machine.supervised() as (_, running):
        with pytest.raises(ModelError, match="cannot be started"):
            await running


async def test_a_server_that_keeps_dying_is_given_up_loudly(machine: Machine) -> None:
    machine.plan(die="no GPU found")
    async with machine.supervised() as (supervisor, running), asyncio.timeout(30):
        with pytest.raises(GaveUpError, match=f"failed {FAILURES} times .*status 1: no GPU found"):
            await running
        assert not supervisor.ready
    assert len(machine.noted("starts")) == FAILURES


async def test_a_server_that_comes_back_is_used(machine: Machine) -> None:
    machine.plan(die="bad luck", deaths=FAILURES - 1)
    async with machine.supervised() as (supervisor, running):
        await until(lambda: supervisor.ready, running)
    assert len(machine.noted("starts")) == FAILURES


async def test_a_server_that_is_killed_is_started_again(machine: Machine) -> None:
    async with machine.supervised() as (supervisor, running):
        await until(lambda: supervisor.ready, running)
        psutil.Process(int(machine.noted("starts")[0])).kill()
        await until(lambda: not supervisor.ready, running)
        await until(lambda: supervisor.ready, running)
    assert len(machine.noted("starts")) == 2


async def test_a_server_is_missed_even_if_what_it_started_lives_on(machine: Machine) -> None:
    machine.plan(leave_behind=True)
    async with machine.supervised() as (supervisor, running):
        await until(lambda: supervisor.ready, running)
        psutil.Process(int(machine.noted("starts")[0])).kill()
        await until(lambda: len(machine.noted("starts")) == 2, running)
        await until(lambda: supervisor.ready, running)
    assert not _is_alive(int(machine.noted("children")[0]))


async def test_nothing_the_server_started_outlives_the_supervisor(machine: Machine) -> None:
    machine.plan(leave_behind=True)
    async with machine.supervised() as (supervisor, running):
        await until(lambda: supervisor.ready, running)
    left = [int(pid) for name in ("starts", "children") for pid in machine.noted(name)]
    assert len(left) == 2
    await until(lambda: not any(_is_alive(pid) for pid in left))  # a killed process takes a moment to be gone


def _is_alive(pid: int) -> bool:
    try:
        return psutil.Process(pid).status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


def test_waits_grow_between_starts() -> None:
    assert [backoff(failures) for failures in (1, 2)] == [1, 2]


def test_the_server_is_told_to_keep_to_itself(machine: Machine) -> None:
    told = environment(machine.settings, "/bin")
    assert told["OLLAMA_HOST"].startswith("127.0.0.1:")
    assert told["OLLAMA_NO_CLOUD"] == "1"
    assert told["OLLAMA_KEEP_ALIVE"] == "-1"
    written = [told["HOME"], told["OLLAMA_MODELS"]]
    assert all(Path(path).is_relative_to(machine.settings.data_dir) for path in written)
    assert not [name for name in told if name.startswith("MOLTGHOST")]


def test_the_reason_is_left_for_kubernetes(machine: Machine, tmp_path: Path) -> None:
    machine.plan(refuse_create="invalid magic")
    reason = tmp_path / "termination-log"
    reason.touch()
    told = {
        env.TENANT: "acme",
        env.AGENT: "helper",
        env.EDGE_KEYS: Edge().jwks,
        env.MODEL: "tiny",
        env.MODEL_SOURCE: str(machine.settings.model_source),
        env.CONTEXT_TOKENS: str(CONTEXT),
        env.DATA_DIR: str(machine.settings.data_dir),
    }
    assert main(told, port=0, model_port=machine.settings.model_port, termination_log=reason) == 1
    assert "invalid magic" in reason.read_text()


def test_everything_missing_is_named_at_once(tmp_path: Path) -> None:
    reason = tmp_path / "termination-log"
    reason.touch()
    assert main({env.CONTEXT_TOKENS: "many", env.EDGE_KEYS: '{"keys": []}'}, termination_log=reason) == 1
    said = reason.read_text()
    for name in (env.TENANT, env.AGENT, env.MODEL, env.MODEL_SOURCE, env.DATA_DIR):
        assert f"{name}: missing" in said
    assert f"{env.CONTEXT_TOKENS}: expected a whole number above 0" in said
    assert f"{env.EDGE_KEYS}: the JWKS holds no key" in said


def test_outside_a_container_no_reason_is_left(tmp_path: Path) -> None:
    leave_reason("why", tmp_path / "termination-log")
    assert not (tmp_path / "termination-log").exists()
