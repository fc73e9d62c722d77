"""The agent's program as it runs in a pod, with the real model server and the scripted model."""

import asyncio
import json
import os
import signal
import sys
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from shutil import copy
from typing import Any

import aiohttp
import psutil
import pytest

import runtime.model
from infra.local.tools import Tools
from runtime.contract import env, paths
from runtime.model.tiny_gguf import write_model
from tests.runtime.serving import EDGE, LOOPBACK

pytestmark = pytest.mark.image

ENDLESS = "Count without end."
CONTEXT = 2048


class Agent:
    """A running agent program, what it has logged, and its model server."""

    def __init__(self, process: asyncio.subprocess.Process, port: int, model_port: int, reason: Path) -> None:
        self.process = process
        self.url = f"http://{LOOPBACK}:{port}"
        self.model_url = f"http://{LOOPBACK}:{model_port}"
        self.reason = reason
        self.lines: list[dict[str, Any]] = []
        self._heard = asyncio.Event()
        self._reading = asyncio.create_task(self._read())

    async def _read(self) -> None:
        assert self.process.stdout is not None
        async for line in self.process.stdout:
            self.lines.append(json.loads(line))
            self._heard.set()

    async def until(self, says: Callable[[dict[str, Any]], bool], timeout_s: float = 30) -> dict[str, Any]:
        """The first line of its log that `says` so."""
        async with asyncio.timeout(timeout_s):
            while not (found := [line for line in self.lines if says(line)]):
                self._heard.clear()
                await self._heard.wait()
        return found[0]

    def runner(self) -> psutil.Process:
        """The process that computes."""
        children = psutil.Process(self.process.pid).children(recursive=True)
        return next(child for child in children if "runner" in child.cmdline())

    def processes(self) -> list[psutil.Process]:
        return psutil.Process(self.process.pid).children(recursive=True)

    async def end(self) -> int:
        self.process.send_signal(signal.SIGTERM)
        async with asyncio.timeout(20):
            status = await self.process.wait()
            await self._reading
        return status


@pytest.fixture(scope="module")
def ollama() -> Path:
    found = Tools().resolve("ollama").path
    if found is None:
        pytest.fail("no model server: run `moltghost prepare --tests` first")
    return found


@pytest.fixture(scope="module")
def source(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("tiny")
    copy(Path(runtime.model.__file__).parent / "tiny" / "Modelfile", folder)
    write_model(folder / "tiny.gguf")
    return folder


@asynccontextmanager
async def running(ollama: Path, source: Path, data: Path, ports: Callable[[], int]) -> AsyncIterator[Agent]:
    port, model_port, reason = ports(), ports(), data / "termination-log"
    reason.touch()
    told = {
        "PATH": f"{ollama.parent}{os.pathsep}{os.environ['PATH']}",
        "PYTHONDONTWRITEBYTECODE": "1",
        env.TENANT: "acme",
        env.AGENT: "helper",
        env.EDGE_KEYS: EDGE.jwks,
        env.MODEL: "tiny",
        env.MODEL_SOURCE: str(source),
        env.CONTEXT_TOKENS: str(CONTEXT),
        env.DATA_DIR: str(data),
    }
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "tests.runtime.agent.program", str(port), str(model_port), str(reason),
        env=told, stdout=asyncio.subprocess.PIPE,
    )  # fmt: skip
    agent = Agent(process, port, model_port, reason)
    try:
        yield agent
    finally:
        if process.returncode is None:
            await agent.end()


@pytest.fixture
async def agent(
    ollama: Path, source: Path, tmp_path: Path, unused_tcp_port_factory: Callable[[], int]
) -> AsyncIterator[Agent]:
    async with running(ollama, source, tmp_path, unused_tcp_port_factory) as agent:
        await agent.until(lambda line: line["event"] == "ready")
        yield agent


def wish(content: str, **more: Any) -> dict[str, Any]:
    return {"model": "helper", "messages": [{"role": "user", "content": content}], **more}


@asynccontextmanager
async def chat(agent: Agent, **body: Any) -> AsyncIterator[aiohttp.ClientResponse]:
    url = agent.url + paths.CHAT_COMPLETIONS
    async with aiohttp.ClientSession() as client, client.post(url, json=wish(**body), headers=EDGE.headers()) as answer:
        yield answer


async def test_the_model_answers_whole_and_in_a_stream(agent: Agent) -> None:
    async with chat(agent, content="Hi") as answer:
        said = await answer.json()
    assert said["choices"][0]["message"]["content"] == "Hello from the tiny model."
    async with chat(agent, content="Hi", stream=True) as answer:
        assert answer.content_type == "text/event-stream"
        events = [line[6:].strip() async for line in answer.content if line.startswith(b"data: ")]
    assert events[-1] == b"[DONE]"
    deltas = [json.loads(event)["choices"][0]["delta"].get("content", "") for event in events[:-1]]
    assert "".join(deltas) == "Hello from the tiny model."
    assert len([delta for delta in deltas if delta]) > 1


async def test_a_request_says_how_long_an_endless_answer_gets(agent: Agent) -> None:
    async with chat(agent, content=ENDLESS, max_tokens=12) as answer:
        said = await answer.json()
    assert said["choices"][0]["message"]["content"].split()[:9] == [
        "one", "two", "three", "four", "five", "six", "seven", "eight", "one"
    ]  # fmt: skip
    assert said["choices"][0]["finish_reason"] == "length"
    assert said["usage"]["completion_tokens"] == 12


async def test_the_model_is_loaded_as_asked_and_stays(agent: Agent) -> None:
    async with aiohttp.ClientSession() as client, client.get(f"{agent.model_url}/api/ps") as answer:
        [loaded] = (await answer.json())["models"]
    assert loaded["context_length"] == CONTEXT
    assert int(loaded["expires_at"][:4]) > 2200
    assert any("cloud disabled: true" in line.get("line", "") for line in agent.lines)


async def test_a_client_that_goes_stops_the_model_within_a_second(agent: Agent) -> None:
    own = await agent.until(_is_chat)  # the supervisor's own question
    async with chat(agent, content=ENDLESS, stream=True, max_tokens=100_000) as answer:
        for _ in range(20):
            await answer.content.readline()
        runner = agent.runner()
        gone = time.monotonic()
    await agent.until(lambda line: _is_chat(line) and line is not own)
    assert time.monotonic() - gone < 1
    before = sum(runner.cpu_times()[:2])
    await asyncio.sleep(0.5)  # the span in which it must compute nothing
    assert sum(runner.cpu_times()[:2]) - before < 0.1
    request = await agent.until(lambda line: line["event"] == "request")
    assert request["outcome"] == "client_gone"


def _is_chat(line: dict[str, Any]) -> bool:
    """Does the model server say that a chat has ended?"""
    text = line.get("line", "")
    return "[GIN]" in text and paths.CHAT_COMPLETIONS in text


async def test_an_end_lets_answers_finish_and_leaves_nothing(agent: Agent) -> None:
    started = agent.processes()
    assert len(started) == 2
    async with chat(agent, content=ENDLESS, stream=True, max_tokens=150) as answer:
        await answer.content.readline()
        ending = asyncio.create_task(agent.end())
        await agent.until(lambda line: line["event"] == "stopping")
        async with aiohttp.ClientSession() as client:
            async with client.get(agent.url + paths.READY) as probe:
                assert probe.status == 503
            async with client.post(agent.url + paths.CHAT_COMPLETIONS, json={}, headers=EDGE.headers()) as late:
                assert late.status == 503
        assert b"[DONE]" in await answer.read()
    assert await ending == 0
    assert psutil.wait_procs(started, timeout=2)[1] == []
    assert agent.reason.read_text() == ""


async def test_a_second_start_makes_no_model(
    ollama: Path, source: Path, tmp_path: Path, unused_tcp_port_factory: Callable[[], int]
) -> None:
    for expected in ("model made", "model is there"):
        async with running(ollama, source, tmp_path, unused_tcp_port_factory) as agent:
            await agent.until(lambda line: line["event"] == "ready")
            assert any(line["event"] == expected for line in agent.lines)


@pytest.mark.parametrize("weights", [b"GGUF nonsense", b""])
async def test_weights_that_are_none_are_a_failed_start_that_says_so(
    weights: bytes, ollama: Path, source: Path, tmp_path: Path, unused_tcp_port_factory: Callable[[], int]
) -> None:
    bad, data = tmp_path / "bad", tmp_path / "data"
    bad.mkdir()
    data.mkdir()
    copy(source / "Modelfile", bad)
    (bad / "tiny.gguf").write_bytes(weights)
    async with running(ollama, bad, data, unused_tcp_port_factory) as agent:
        async with asyncio.timeout(30):
            assert await agent.process.wait() == 1
        assert "model tiny: could not be made of" in agent.reason.read_text()
