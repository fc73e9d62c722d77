"""A chat on its way to its agent."""

import aiohttp
from aiohttp import web
from yarl import URL

from runtime.contract import errors, headers, paths
from runtime.gateway.sandboxes import SandboxCache
from runtime.http.answers import Handler, RefusedError
from runtime.http.auth import authenticate
from runtime.http.edge_token import TokenVerifier
from runtime.http.proxy import Upstream, forward

_RETRY_AFTER_S = 5


def chat_handler(
    verifier: TokenVerifier, cache: SandboxCache, session: aiohttp.ClientSession, agent_port: int
) -> Handler:
    """The handler of chat completions: the token names the agent, the cache its pod, the body goes through unread."""

    async def chat(request: web.Request) -> web.StreamResponse:
        claims = authenticate(request, verifier)
        pod = cache.find(claims.tenant, claims.agent)
        if pod is None:
            raise RefusedError(errors.AGENT_NOT_FOUND)
        if pod.address is None:
            raise RefusedError(errors.NOT_READY, retry_after=_RETRY_AFTER_S)
        url = URL(f"http://{pod.address}:{agent_port}{paths.CHAT_COMPLETIONS}", encoded=True)
        token = request.headers[headers.EDGE_TOKEN]
        return await forward(request, session, Upstream(url, {headers.EDGE_TOKEN: token}))

    return chat
