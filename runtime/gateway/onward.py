"""A request on its way to its agent."""

from collections.abc import Callable

import aiohttp
from aiohttp import web
from yarl import URL

from runtime.contract import errors, headers, paths
from runtime.gateway.sandboxes import SandboxCache
from runtime.http import server
from runtime.http.answers import Handler, RefusedError
from runtime.http.auth import authenticate
from runtime.http.edge_token import TokenVerifier
from runtime.http.lifecycle import Lifecycle
from runtime.http.proxy import Upstream, forward

_RETRY_AFTER_S = 5


def application(ask: Handler, ready: Callable[[], bool], lifecycle: Lifecycle) -> web.Application:
    """What agents answer, by `ask`, and the probes."""
    app = server.application(ask, ready, lifecycle)
    app.router.add_post(paths.RESPONSES, ask)
    return app


def agent_handler(
    verifier: TokenVerifier, cache: SandboxCache, session: aiohttp.ClientSession, agent_port: int
) -> Handler:
    """The way to an agent: the token names it, the cache its pod; path and body are the same all the way."""

    async def ask(request: web.Request) -> web.StreamResponse:
        claims = authenticate(request, verifier)
        pod = cache.find(claims.tenant, claims.agent)
        if pod is None:
            raise RefusedError(errors.AGENT_NOT_FOUND)
        if pod.address is None:
            raise RefusedError(errors.NOT_READY, retry_after=_RETRY_AFTER_S)
        # The router let none pass but paths it was given, letter by letter.
        url = URL(f"http://{pod.address}:{agent_port}{request.path}", encoded=True)
        token = request.headers[headers.EDGE_TOKEN]
        return await forward(request, session, Upstream(url, {headers.EDGE_TOKEN: token}))

    return ask
