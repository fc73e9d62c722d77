"""What the kubelet and the monitoring are told, and that nobody is told anything else."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

import aiohttp
import pytest

from runtime.agent.metrics import Metrics
from runtime.agent.ops import ops_application
from runtime.agent.supervisor.heartbeat import Heartbeat
from runtime.agent.supervisor.readiness import Part, Readiness, Usage, is_true
from runtime.contract import paths
from runtime.http.server import listen
from tests.runtime.serving import LOOPBACK, error_code, port_of


@dataclass
class State:
    """What the agent is like: time, and which parts of being ready hold."""

    now: float = 0
    parts: dict[str, bool] = field(default_factory=lambda: {"openclaw": True, "model": True, "volume": True})

    def part(self, name: str) -> Part:
        return Part(name=name, check=is_true(lambda: self.parts[name]))


@asynccontextmanager
async def asking(state: State) -> AsyncIterator[aiohttp.ClientSession]:
    """Ask the agent's operations port."""
    heartbeat = Heartbeat(limit_s=10, clock=lambda: state.now)
    readiness = Readiness([state.part(name) for name in state.parts])
    metrics = Metrics(("ollama",), lambda: Usage(0.5, 0.5))
    runner = await listen(ops_application(heartbeat, readiness, metrics), LOOPBACK, 0)
    try:
        async with aiohttp.ClientSession(f"http://{LOOPBACK}:{port_of(runner)}") as client:
            yield client
    finally:
        await runner.cleanup()


async def test_alive_while_the_heart_beats() -> None:
    state = State()
    async with asking(state) as client:
        for now, status in ((10, 200), (11, 503)):
            state.now = now
            async with client.get(paths.LIVE) as answer:
                assert (answer.status, await answer.json()) == (status, {"live": status == 200})


async def test_an_agent_that_is_not_ready_is_still_alive() -> None:
    async with asking(State(parts={"model": False})) as client, client.get(paths.LIVE) as answer:
        assert answer.status == 200


@pytest.mark.parametrize("failing", [[], ["model"], ["openclaw", "volume"]])
async def test_readiness_names_each_part_that_fails(failing: list[str]) -> None:
    state = State()
    state.parts.update(dict.fromkeys(failing, False))
    async with asking(state) as client:
        async with client.get(paths.READY) as answer:
            assert answer.status == (503 if failing else 200)
            assert answer.content_type == "application/json"
            assert await answer.json() == {"ready": not failing, "failing": failing}
        async with client.get(paths.METRICS) as answer:
            assert f"moltghost_agent_ready {0 if failing else 1}.0\n" in await answer.text()


async def test_metrics_come_in_prometheus_text_format() -> None:
    async with asking(State()) as client, client.get(paths.METRICS) as answer:
        assert (answer.status, answer.content_type) == (200, "text/plain")
        assert "# TYPE moltghost_agent_requests_total counter" in await answer.text()


@pytest.mark.parametrize("path", ["/", paths.CHAT_COMPLETIONS, paths.MODELS, "/metrics/", "/tools/invoke", "/api/tags"])
async def test_there_is_nothing_else(path: str) -> None:
    async with asking(State()) as client:
        for method in ("GET", "POST"):
            async with client.request(method, path) as answer:
                assert (answer.status, await error_code(answer)) == (404, "not_found")


@pytest.mark.parametrize("path", [paths.LIVE, paths.READY, paths.METRICS])
async def test_it_can_only_be_read(path: str) -> None:
    async with asking(State()) as client:
        for method in ("POST", "PUT", "DELETE"):
            async with client.request(method, path) as answer:
                assert (answer.status, await error_code(answer)) == (405, "method_not_allowed")
