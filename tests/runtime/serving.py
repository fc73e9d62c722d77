"""Programs of the image, and what stands behind them, served on loopback for one test."""

import asyncio
import json
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import Any

import aiohttp
from aiohttp import web

from runtime.contract import labels, paths
from runtime.gateway.onward import agent_handler, application, health_handler
from runtime.gateway.sandboxes import Sandbox, SandboxCache
from runtime.http import proxy
from runtime.http.answers import Handler
from runtime.http.edge_token import TokenVerifier, load_keys
from runtime.http.lifecycle import Lifecycle
from runtime.http.server import listen
from tests.runtime.edge import Edge

LOOPBACK = "127.0.0.1"
EDGE = Edge()
BODY = json.dumps({"model": "helper", "messages": [{"role": "user", "content": "a secret wish"}]}).encode()


def port_of(runner: web.AppRunner) -> int:
    """The port a runner was given."""
    return int(runner.addresses[0][1])


@asynccontextmanager
async def upstream(handler: Handler) -> AsyncIterator[int]:
    """A next hop that answers by `handler`; yields its port."""
    app = web.Application(client_max_size=1 << 30)
    app.router.add_route("*", "/{path:.*}", handler)
    runner = web.AppRunner(app, handler_cancellation=True, access_log=None, shutdown_timeout=0.1)
    await runner.setup()
    await web.TCPSite(runner, LOOPBACK, 0).start()
    try:
        yield port_of(runner)
    finally:
        await runner.cleanup()


@asynccontextmanager
async def gateway(
    edge: Edge, agent_port: int, cache: SandboxCache | None = None, lifecycle: Lifecycle | None = None
) -> AsyncIterator[str]:
    """A gateway that trusts `edge` and knows acme's agent `helper` on loopback; yields the URL chats go to."""
    if cache is None:
        cache = SandboxCache()
        cache.put(sandbox())
    async with proxy.client() as session:
        verifier = TokenVerifier(load_keys(edge.jwks))
        ask, health = agent_handler(verifier, cache, session, agent_port), health_handler(verifier, cache)
        runner = await listen(application(ask, health, lambda: True, lifecycle or Lifecycle()), LOOPBACK, 0)
        try:
            yield f"http://{LOOPBACK}:{port_of(runner)}{paths.CHAT_COMPLETIONS}"
        finally:
            await runner.cleanup()


def sandbox(
    tenant: str = "acme", agent: str = "helper", address: str | None = LOOPBACK, ready: bool = True, version: int = 1
) -> Sandbox:
    """A Sandbox as the API server gives it."""
    return {
        "metadata": {
            "namespace": f"tenant-{tenant}",
            "name": agent,
            "resourceVersion": str(version),
            "labels": {labels.TENANT: tenant, labels.AGENT: agent},
        },
        "status": {
            "podIPs": [address] if address else [],
            "conditions": [{"type": "Ready", "status": "True" if ready else "False"}],
        },
    }


async def error_code(answer: aiohttp.ClientResponse) -> str:
    """The code in an error of OpenAI's shape, which must be whole."""
    error = (await answer.json())["error"]
    assert set(error) == {"message", "type", "param", "code"}
    return str(error["code"])


@asynccontextmanager
async def answer_to(
    agent: Handler,
    sent: Mapping[str, str] | list[tuple[str, str]] | None = None,
    data: Any = BODY,
    cache: SandboxCache | None = None,
) -> AsyncIterator[aiohttp.ClientResponse]:
    """What a gateway answers when `agent` stands behind it; with a good token unless `sent` says otherwise."""
    async with (
        asyncio.timeout(10),
        upstream(agent) as port,
        gateway(EDGE, port, cache) as url,
        aiohttp.ClientSession() as client,
        client.post(url, data=data, headers=EDGE.headers() if sent is None else sent) as answer,
    ):
        yield answer


async def say_ok(request: web.Request) -> web.Response:
    return web.json_response(
        {
            "got": (await request.read()).decode(),
            "headers": {name.lower(): value for name, value in request.headers.items()},
        }
    )


async def must_not_be_reached(_: web.Request) -> web.Response:
    return web.Response(status=418)


async def never(_: web.Request) -> web.Response:
    await asyncio.Event().wait()
    return web.Response()
