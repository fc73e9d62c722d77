"""A request on its way to its agent."""

from collections.abc import Callable

import aiohttp
from aiohttp import web
from yarl import URL

from runtime.contract import errors, headers, paths
from runtime.gateway.sandboxes import SandboxCache
from runtime.http import server
from runtime.http.answers import EXCHANGE, Handler, RefusedError
from runtime.http.auth import authenticate
from runtime.http.edge_token import EdgeClaims, TokenVerifier
from runtime.http.lifecycle import Lifecycle
from runtime.http.proxy import Upstream, forward

_RETRY_AFTER_S = 5


def application(ask: Handler, health: Handler, ready: Callable[[], bool], lifecycle: Lifecycle) -> web.Application:
    """What agents answer, by `ask`, whether they are ready, by `health`, and the probes."""
    app = server.application(ask, ready, lifecycle)
    app.router.add_post(paths.RESPONSES, ask)
    app.router.add_get(paths.HEALTH, health)
    return app


def agent_handler(
    verifier: TokenVerifier, cache: SandboxCache, session: aiohttp.ClientSession, agent_port: int
) -> Handler:
    """The way to an agent: the token names it, the cache its pod; path and body are the same all the way."""

    async def ask(request: web.Request) -> web.StreamResponse:
        address = _address(cache, authenticate(request, verifier))
        # The router let none pass but paths it was given, letter by letter.
        url = URL(f"http://{address}:{agent_port}{request.path}", encoded=True)
        token = request.headers[headers.EDGE_TOKEN]
        return await forward(request, session, Upstream(url, {headers.EDGE_TOKEN: token}))

    return ask


def health_handler(verifier: TokenVerifier, cache: SandboxCache) -> Handler:
    """Whether the agent the token names is ready, as its pod's own probe has it. The agent isn't asked."""

    async def health(request: web.Request) -> web.StreamResponse:
        _address(cache, authenticate(request, verifier))
        return web.json_response({"status": "ready"}, headers={headers.REQUEST_ID: request[EXCHANGE].request_id})

    return health


def _address(cache: SandboxCache, claims: EdgeClaims) -> str:
    """Where the agent's pod answers. Raises RefusedError: for an agent that isn't here, or isn't ready."""
    pod = cache.find(claims.tenant, claims.agent)
    if pod is None:
        raise RefusedError(errors.AGENT_NOT_FOUND, passed_on=False)
    if pod.address is None:
        raise RefusedError(errors.NOT_READY, retry_after=_RETRY_AFTER_S, passed_on=False)
    return pod.address
