"""The gateway's program as a process: ready when it knows the region, and an orderly end."""

import asyncio
import os
import signal
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import aiohttp
import pytest
from aiohttp import web

from runtime.contract import env, limits, paths
from runtime.gateway.settings import read_settings
from runtime.http.environment import SettingsError
from tests.runtime.gateway.fake_api import FakeApi, serve
from tests.runtime.serving import BODY, EDGE, LOOPBACK, sandbox, say_ok, upstream


@asynccontextmanager
async def started(api: FakeApi, port: int, agent_port: int) -> AsyncIterator[asyncio.subprocess.Process]:
    """The program, watching `api`; killed at the end if it still runs."""
    async with serve(api) as connection:
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "tests.runtime.gateway.program",
            str(port), str(agent_port), str(connection.configuration.host),
            env={**os.environ, env.REGION: "here", env.EDGE_KEYS: EDGE.jwks}, stdout=asyncio.subprocess.PIPE,
        )  # fmt: skip
        try:
            yield process
        finally:
            if process.returncode is None:
                process.kill()
            await process.communicate()


async def probe(client: aiohttp.ClientSession, url: str) -> int | None:
    """What the readiness probe answers; None while nobody listens."""
    try:
        async with client.get(url + paths.READY) as answer:
            return answer.status
    except aiohttp.ClientConnectionError:
        return None


async def until(client: aiohttp.ClientSession, url: str, status: int) -> None:
    async with asyncio.timeout(30):
        while await probe(client, url) != status:  # noqa: ASYNC110  # as a kubelet asks, again and again
            await asyncio.sleep(0.05)


async def test_ready_with_the_first_list_and_an_orderly_end(unused_tcp_port: int) -> None:
    api, url = FakeApi(), f"http://{LOOPBACK}:{unused_tcp_port}"
    api.sandboxes, api.failures = [sandbox()], [503]
    speak, heard = asyncio.Event(), asyncio.Event()

    async def slowly(request: web.Request) -> web.StreamResponse:
        out = web.StreamResponse()
        await out.prepare(request)
        heard.set()
        await speak.wait()
        await out.write(b"data: [DONE]\n\n")
        return out

    async with (
        upstream(slowly) as agent_port,
        started(api, unused_tcp_port, agent_port) as process,
        aiohttp.ClientSession() as client,
    ):
        await until(client, url, 200)
        async with client.post(url + paths.CHAT_COMPLETIONS, data=BODY, headers=EDGE.headers()) as answer:
            await heard.wait()
            process.send_signal(signal.SIGTERM)
            await until(client, url, 503)
            async with client.post(url + paths.CHAT_COMPLETIONS, data=BODY) as late:
                assert late.status == 401  # still served: the tunnel may not have noticed yet
            speak.set()
            assert await answer.read() == b"data: [DONE]\n\n"
        async with asyncio.timeout(limits.DRAIN_S + 5):
            assert await process.wait() == 0


async def test_not_ready_while_the_api_gives_no_list(unused_tcp_port: int) -> None:
    api, url = FakeApi(), f"http://{LOOPBACK}:{unused_tcp_port}"
    api.failures = [403] * 1000
    async with (
        upstream(say_ok) as agent_port,
        started(api, unused_tcp_port, agent_port),
        aiohttp.ClientSession() as client,
    ):
        await until(client, url, 503)
        async with client.get(url + paths.LIVE) as answer:
            assert answer.status == 200


@pytest.mark.parametrize("missing", [env.REGION, env.EDGE_KEYS])
def test_a_missing_variable_is_named(missing: str) -> None:
    told = {env.REGION: "here", env.EDGE_KEYS: EDGE.jwks}
    assert read_settings(told).keys.keys() == {"k1"}
    with pytest.raises(SettingsError, match=f"{missing}: missing"):
        read_settings({name: value for name, value in told.items() if name != missing})
