"""Whether OpenClaw is ready: what its answers say, and what they don't."""

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable

import aiohttp
import pytest
from aiohttp import web
from hypothesis import given
from hypothesis import strategies as st

from runtime.agent.failures import ServerError
from runtime.agent.openclaw.probe import SILENCES, Probe, judge
from tests.loopback import free_port

told = st.recursive(
    st.none() | st.booleans() | st.text(max_size=5),
    lambda inner: st.dictionaries(st.sampled_from(["ready", "failing"]), inner) | st.lists(inner),
)
answers = told.map(lambda one: json.dumps(one).encode())
READY = b'{"ready":true,"failing":[],"uptimeMs":4898}'


@pytest.fixture
async def session() -> AsyncIterator[aiohttp.ClientSession]:
    async with aiohttp.ClientSession() as one:
        yield one


async def serve(answer: Callable[[web.Request], Awaitable[web.StreamResponse]]) -> tuple[web.AppRunner, int]:
    application, port = web.Application(), free_port()
    application.router.add_get("/{any:.*}", answer)
    runner = web.AppRunner(application)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", port).start()
    return runner, port


def test_only_the_json_that_says_so_is_ready() -> None:
    assert judge(200, READY) == []


@pytest.mark.parametrize(
    ("status", "body", "failing"),
    [
        (200, b"<!doctype html><title>OpenClaw</title>", ["answers 200 without JSON"]),
        (200, b"", ["answers 200 without JSON"]),
        (200, b"[]", ["answers 200 without a JSON object"]),
        (200, b"true", ["answers 200 without a JSON object"]),
        (200, b'{"ready":"true"}', ["it does not say why"]),
        (200, b'{"ok":true}', ["it does not say why"]),
        (503, READY, ["it does not say why"]),
        (503, b'{"ready":false,"failing":["startup-sidecars","agent-database:main"]}', None),
        (503, b'{"ready":false,"failing":[1,{}]}', ["it does not say why"]),
        (503, b'{"ready":false,"failing":"all"}', ["it does not say why"]),
    ],
)
def test_anything_else_is_not_and_says_why(status: int, body: bytes, failing: list[str] | None) -> None:
    assert judge(status, body) == (failing or ["startup-sidecars", "agent-database:main"])


@given(st.integers(100, 599), st.binary(max_size=50) | answers)
def test_whatever_it_answers_there_is_a_verdict(status: int, body: bytes) -> None:
    failing = judge(status, body)
    assert all(isinstance(reason, str) for reason in failing)
    assert failing or status == 200


async def test_nobody_there_is_not_ready(session: aiohttp.ClientSession) -> None:
    assert await Probe(session, free_port()).failing() == ["no answer: ClientConnectorError"]


async def test_a_redirect_is_not_followed(session: aiohttp.ClientSession) -> None:
    async def answer(request: web.Request) -> web.Response:
        return (
            web.Response(body=READY)
            if request.path == "/there"
            else web.Response(status=302, headers={"Location": "/there"})
        )

    runner, port = await serve(answer)
    try:
        assert await Probe(session, port).failing() == ["answers 302 without JSON"]
    finally:
        await runner.cleanup()


async def test_it_waits_until_it_is_ready(session: aiohttp.ClientSession) -> None:
    asked = 0

    async def answer(_: web.Request) -> web.Response:
        nonlocal asked
        asked += 1
        return web.Response(body=READY) if asked > 2 else web.Response(status=503, text='{"ready":false}')

    runner, port = await serve(answer)
    try:
        await Probe(session, port).until_ready()
        assert asked == 3
    finally:
        await runner.cleanup()


async def test_one_that_hangs_is_given_up_and_one_that_only_is_not_ready_is_not(session: aiohttp.ClientSession) -> None:
    async def answer(_: web.Request) -> web.Response:
        return web.Response(status=503)

    runner, port = await serve(answer)
    watching = asyncio.create_task(Probe(session, port).watch(every_s=0.001))
    try:
        done, _ = await asyncio.wait((watching,), timeout=0.3)
        assert not done
    finally:
        await runner.cleanup()
    with pytest.raises(ServerError, match=f"{SILENCES} times in a row"):
        await watching
