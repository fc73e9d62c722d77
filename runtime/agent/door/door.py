"""The one way into an agent: which requests are let in, and what becomes of them."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import aiohttp
from aiohttp import web
from yarl import URL

from runtime.agent.door.accounts import ADMITTED, Accounts, Admitted, Book, Metrics
from runtime.agent.door.activity import Activity
from runtime.agent.door.asking import ChatWish, ResponsesWish
from runtime.agent.door.events import ChatRetelling, ResponsesRetelling, Retelling
from runtime.agent.door.onward import RETRY_AFTER_S, Question, Telling
from runtime.agent.door.reading import read_object
from runtime.agent.door.sessions import Owner, Sessions
from runtime.contract import errors, headers, limits, paths
from runtime.http.answers import EXCHANGE, Handler, RefusedError, answer
from runtime.http.auth import authenticate
from runtime.http.body import read_body
from runtime.http.edge_token import TokenVerifier
from runtime.http.lifecycle import LIFECYCLE, Lifecycle

_DEFAULT_AGENT = "openclaw/default"
"""OpenClaw's name for the agent it has: of what clients call `model`, nothing reaches it."""
_SESSION = "x-openclaw-session-key"


@dataclass(frozen=True)
class Door:
    """What the door needs.

    `model` and `model_digest` are what receipts name, `max_tokens` is the length of the longest answer. `keys` gives
    the verifier of the moment, `ready` says whether requests may come in, `token` is OpenClaw's, asked for each
    request; `openclaw` is the base of its URLs on loopback, `session` one that keeps no connection.
    """

    tenant: str
    agent: str
    model: str
    model_digest: str
    max_tokens: int
    keys: Callable[[], TokenVerifier]
    ready: Callable[[], bool]
    session: aiohttp.ClientSession
    openclaw: URL
    token: Callable[[], str]
    book: Book
    metrics: Metrics
    activity: Activity
    lifecycle: Lifecycle


def door_application(door: Door) -> web.Application:
    """Chat completions, responses and the list of models, each for an edge token for this agent; nothing else."""
    routes = _Routes(door)
    app = web.Application(middlewares=[routes.accounts.account, answer, _letter_by_letter])
    app[LIFECYCLE] = door.lifecycle
    app.router.add_post(paths.CHAT_COMPLETIONS, routes.chat)
    app.router.add_post(paths.RESPONSES, routes.responses)
    app.router.add_get(paths.MODELS, routes.models, allow_head=False)
    return app


@web.middleware
async def _letter_by_letter(request: web.Request, handler: Handler) -> web.StreamResponse:
    """A path is one of ours as it was sent, or it is none: nothing is decoded, joined or taken from a whole URL."""
    if request.raw_path.partition("?")[0] != request.path:
        raise RefusedError(errors.NOT_FOUND)
    if "Upgrade" in request.headers:
        raise RefusedError(errors.INVALID_REQUEST, "The protocol of a connection cannot be changed.")
    return await handler(request)


class _Routes:
    """The handlers."""

    def __init__(self, door: Door) -> None:
        self._door = door
        self._sessions = Sessions(door.tenant, door.agent)
        self._since = int(time.time())
        self.accounts = Accounts(door.book, door.metrics, door.model, door.model_digest)

    async def chat(self, request: web.Request) -> web.StreamResponse:
        """POST /v1/chat/completions"""
        key = self._authenticate(request)
        wish = ChatWish.read(await self._read(request))
        session = self._sessions.open(Owner(key, wish.user or None))
        body = wish.passed_on(self._door.max_tokens)
        if wish.streamed:
            # What a stream took is asked for always, and told to the client only if it asked for it, too.
            body["stream_options"] = {"include_usage": True}
        retelling = ChatRetelling(self._door.agent, wish.wants_usage)
        return await self._ask(request, key, body, wish.streamed, session, retelling)

    async def responses(self, request: web.Request) -> web.StreamResponse:
        """POST /v1/responses"""
        key = self._authenticate(request)
        wish = ResponsesWish.read(await self._read(request))
        owner = Owner(key, wish.user or None)
        session = self._sessions.open(owner, wish.previous_response_id)
        retelling = ResponsesRetelling(
            self._door.agent, lambda response: self._sessions.remember(response, owner, session)
        )
        body = wish.passed_on(self._door.max_tokens)
        return await self._ask(request, key, body, wish.streamed, session, retelling)

    async def models(self, request: web.Request) -> web.StreamResponse:
        """GET /v1/models: this agent, as a client names it."""
        request[ADMITTED] = Admitted(self._authenticate(request), request.path)
        exchange = request[EXCHANGE]
        exchange.note_first_byte()
        model = {"id": self._door.agent, "object": "model", "created": self._since, "owned_by": self._door.tenant}
        return web.json_response(
            {"object": "list", "data": [model]},
            headers={headers.REQUEST_ID: exchange.request_id, headers.RECEIPT: self.accounts.head},
        )

    def _authenticate(self, request: web.Request) -> str:
        """The id of the API key the request came with. Raises RefusedError unless its token is for this agent."""
        claims = authenticate(request, self._door.keys())
        if (claims.tenant, claims.agent) != (self._door.tenant, self._door.agent):
            raise RefusedError(errors.INVALID_TOKEN)
        return claims.key

    async def _read(self, request: web.Request) -> dict[str, Any]:
        if not self._door.ready():
            raise RefusedError(errors.NOT_READY, retry_after=RETRY_AFTER_S)
        return read_object(await read_body(request))

    async def _ask(
        self,
        request: web.Request,
        key: str,
        body: dict[str, Any],
        streamed: bool,
        session: str,
        retelling: Retelling,
    ) -> web.StreamResponse:
        """Let the request in."""
        admitted = request[ADMITTED] = Admitted(key, request.path)
        question = Question(
            self._door.openclaw.with_path(request.path),
            {
                "Accept-Encoding": "identity",
                "Authorization": f"Bearer {self._door.token()}",
                # OpenClaw keeps idle connections for less than we would: no request may be sent into one it closes.
                "Connection": "close",
                "Content-Type": "application/json",
                _SESSION: session,
            },
            {**body, "model": _DEFAULT_AGENT, "stream": streamed},
            streamed,
        )
        age_s = time.perf_counter() - request[EXCHANGE].started
        activity, answered = self._door.activity, False
        telling = Telling(request, retelling, self.accounts.head, activity.heard)
        activity.began()
        try:
            answer = await telling.ask(
                self._door.session, question, limits.REQUEST_S - age_s, self._door.lifecycle.cutting
            )
            answered = request[EXCHANGE].outcome == "ok"
            return answer
        finally:
            activity.ended(answered)
            admitted.usage = retelling.usage
