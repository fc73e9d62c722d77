"""A chat on its way to the agent's model."""

import json
from collections.abc import Callable
from typing import NoReturn

import aiohttp
from aiohttp import web
from yarl import URL

from runtime.agent.settings import AgentSettings
from runtime.contract import errors
from runtime.http.answers import Handler, RefusedError
from runtime.http.auth import authenticate
from runtime.http.body import read_body
from runtime.http.edge_token import TokenVerifier
from runtime.http.proxy import Upstream, forward

_RETRY_AFTER_S = 5


def chat_handler(
    settings: AgentSettings, ready: Callable[[], bool], session: aiohttp.ClientSession, chat_url: URL
) -> Handler:
    """The handler of chat completions: only tokens for this very agent, only its own model, at `chat_url`."""
    verifier = TokenVerifier(settings.keys)
    upstream = Upstream(chat_url, {"Content-Type": "application/json"})

    async def chat(request: web.Request) -> web.StreamResponse:
        claims = authenticate(request, verifier)
        if (claims.tenant, claims.agent) != (settings.tenant, settings.agent):
            raise RefusedError(errors.INVALID_TOKEN)
        if not ready():
            raise RefusedError(errors.NOT_READY, retry_after=_RETRY_AFTER_S)
        body = with_model(await read_body(request), settings.model)
        return await forward(request, session, upstream, body)

    return chat


def with_model(body: bytes, model: str) -> bytes:
    """The request with its `model`, which names the agent, replaced by the model's own name. Raises RefusedError."""
    try:
        wish = json.loads(body, parse_constant=_refuse_constant)
    except (ValueError, RecursionError):
        raise RefusedError(errors.INVALID_REQUEST, "The request body is not valid JSON.") from None
    if not isinstance(wish, dict):
        raise RefusedError(errors.INVALID_REQUEST, "The request body must be a JSON object.")
    return json.dumps({**wish, "model": model}, ensure_ascii=False, separators=(",", ":")).encode(
        "utf-8", "surrogatepass"
    )


def _refuse_constant(name: str) -> NoReturn:
    raise ValueError(name)
