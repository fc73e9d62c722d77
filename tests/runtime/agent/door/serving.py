"""A door on loopback, with an OpenClaw behind it that does what a test says."""

import asyncio
import io
import json
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import aiohttp
from aiohttp import web
from yarl import URL

from runtime.agent.door import Door, door_application
from runtime.contract import paths
from runtime.http import proxy
from runtime.http.answers import Handler
from runtime.http.edge_token import TokenVerifier, load_keys
from runtime.http.lifecycle import Lifecycle
from runtime.http.server import listen
from runtime.receipts import Entry
from tests.runtime.serving import EDGE, LOOPBACK, port_of, upstream

TOKEN = "openclaw-token-0123456789"
CANARY = "a secret wish"
CHAT = {"model": "helper", "messages": [{"role": "user", "content": CANARY}]}
RESPONSES = {"model": "helper", "input": CANARY}
BODIES: dict[str, dict[str, Any]] = {paths.CHAT_COMPLETIONS: CHAT, paths.RESPONSES: RESPONSES}
DIGEST = "sha256:" + "0" * 64
MAX_TOKENS = 512


@dataclass
class NoBook:
    """A book that only remembers; `written` is set with the first receipt."""

    entries: list[Entry] = field(default_factory=list)
    written: asyncio.Event = field(default_factory=asyncio.Event)

    @property
    def head(self) -> str:
        return f"{len(self.entries):064x}"

    def append(self, entry: Entry) -> str:
        self.entries.append(entry)
        self.written.set()
        return self.head


@dataclass
class Watch:
    """What the model's watch was told, in order."""

    told: list[str] = field(default_factory=list)

    def began(self) -> None:
        self.told.append("began")

    def heard(self) -> None:
        if self.told[-1] != "heard":
            self.told.append("heard")

    def ended(self, answered: bool) -> None:
        self.told.append("answered" if answered else "failed")


@dataclass(frozen=True)
class Measured:
    """One request as it was measured."""

    path: str
    outcome: str
    first_byte_s: float | None
    duration_s: float
    tokens_in: int | None
    tokens_out: int | None


@dataclass
class Measurements:
    """Metrics that only remember."""

    requests: list[Measured] = field(default_factory=list)

    def request(self, *what: Any) -> None:
        self.requests.append(Measured(*what))


@dataclass
class Standing:
    """A door that serves, and what it is made of."""

    url: URL
    book: NoBook
    metrics: Measurements
    watch: Watch
    lifecycle: Lifecycle
    client: aiohttp.ClientSession

    def post(
        self, body: Any, path: str = paths.CHAT_COMPLETIONS, sent: Mapping[str, str] | None = None
    ) -> "aiohttp.client._RequestContextManager":
        """Ask with a good token, unless `sent` says otherwise."""
        data = io.BytesIO(body if isinstance(body, bytes) else json.dumps(body).encode())
        return self.client.post(self.url.with_path(path), data=data, headers=EDGE.headers() if sent is None else sent)


@asynccontextmanager
async def standing_before(
    openclaw: URL,
    *,
    token: str = TOKEN,
    ready: bool = True,
    keys: Callable[[], TokenVerifier] | None = None,
    host: str = LOOPBACK,
    port: int = 0,
) -> AsyncIterator[Standing]:
    """The door of acme's agent `helper`, before the OpenClaw at this URL."""
    verifier = TokenVerifier(load_keys(EDGE.jwks))
    book, metrics, watch, lifecycle = NoBook(), Measurements(), Watch(), Lifecycle()
    async with proxy.client(keeps=False) as session, aiohttp.ClientSession() as client:
        door = Door(
            tenant="acme",
            agent="helper",
            model="tiny",
            model_digest=DIGEST,
            max_tokens=MAX_TOKENS,
            keys=keys or (lambda: verifier),
            ready=lambda: ready,
            session=session,
            openclaw=openclaw,
            token=lambda: token,
            book=book,
            metrics=metrics,
            activity=watch,
            lifecycle=lifecycle,
        )
        runner = await listen(door_application(door), host, port)
        try:
            yield Standing(URL(f"http://{LOOPBACK}:{port_of(runner)}"), book, metrics, watch, lifecycle, client)
        finally:
            await runner.cleanup()


@asynccontextmanager
async def standing(openclaw: Handler, **how: Any) -> AsyncIterator[Standing]:
    """The same door with `openclaw` behind it."""
    async with upstream(openclaw) as port, standing_before(URL(f"http://{LOOPBACK}:{port}"), **how) as door:
        yield door


@asynccontextmanager
async def asked(
    openclaw: Handler,
    body: Any = None,
    path: str = paths.CHAT_COMPLETIONS,
    sent: Mapping[str, str] | None = None,
    **how: Any,
) -> AsyncIterator[aiohttp.ClientResponse]:
    """What the door answers one request."""
    async with (
        asyncio.timeout(30),
        standing(openclaw, **how) as door,
        door.post(BODIES[path] if body is None else body, path, sent) as answer,
    ):
        yield answer


def events(*said: Any, names: bool = False) -> list[bytes]:
    """Events of a stream as OpenClaw writes them."""
    return [
        (f"event: {one['type']}\n" if names else "").encode() + b"data: " + json.dumps(one).encode() + b"\n\n"
        for one in said
    ]


DONE = b"data: [DONE]\n\n"
USAGE = {"prompt_tokens": 17, "completion_tokens": 5, "total_tokens": 22}


def chat_events(*words: str, usage: bool = True) -> list[bytes]:
    """A whole chat, streamed."""
    chunk = {"id": "chatcmpl_1", "object": "chat.completion.chunk", "created": 1, "model": "openclaw/default"}

    def choice(delta: dict[str, str], reason: str | None = None) -> dict[str, Any]:
        return {**chunk, "choices": [{"index": 0, "delta": delta, "finish_reason": reason}]}

    said = [choice({"role": "assistant"}), *(choice({"content": word}) for word in words), choice({}, "stop")]
    return [*events(*said, *([{**chunk, "choices": [], "usage": USAGE}] if usage else [])), DONE]


def chat_answer() -> dict[str, Any]:
    """A whole chat in one piece."""
    return {
        "id": "chatcmpl_1",
        "object": "chat.completion",
        "created": 1,
        "model": "openclaw/default",
        "choices": [{"index": 0, "message": {"role": "assistant", "content": "Hello."}, "finish_reason": "stop"}],
        "usage": USAGE,
    }


def response(status: str = "completed", **more: Any) -> dict[str, Any]:
    """An answer to a request for a response."""
    text = [{"type": "output_text", "text": "Hello."}]
    message = {"type": "message", "id": "msg_1", "role": "assistant", "content": text, "status": "completed"}
    return {
        "id": "resp_1",
        "object": "response",
        "created_at": 1,
        "status": status,
        "model": "openclaw/default",
        "output": [message],
        "usage": {"input_tokens": 17, "output_tokens": 5, "total_tokens": 22},
        **more,
    }


def response_events(*words: str, last: dict[str, Any] | None = None) -> list[bytes]:
    """A whole response, streamed."""
    empty = {"input_tokens": 0, "output_tokens": 0, "total_tokens": 0}
    last = last or response()
    deltas = (
        {"type": "response.output_text.delta", "item_id": "msg_1", "output_index": 0, "content_index": 0, "delta": word}
        for word in words
    )
    begun = {"type": "response.created", "response": response("in_progress", output=[], usage=empty)}
    return [*events(begun, *deltas, {"type": f"response.{last['status']}", "response": last}, names=True), DONE]


async def say(request: web.Request) -> web.StreamResponse:
    """OpenClaw on a good day."""
    wish = await request.json()
    chat = request.path == paths.CHAT_COMPLETIONS
    if wish["stream"]:
        return await stream(request, chat_events("Hel", "lo.") if chat else response_events("Hel", "lo."))
    return web.json_response(chat_answer() if chat else response())


async def stream(request: web.Request, said: list[bytes], then: str = "end") -> web.StreamResponse:
    """Say these events, and `end`, `break` off or fall `silent`."""
    out = web.StreamResponse(headers={"Content-Type": "text/event-stream; charset=utf-8"})
    await out.prepare(request)
    for one in said:
        await out.write(one)
    if then == "silent":
        await asyncio.Event().wait()
    if then == "break":
        assert request.transport is not None
        request.transport.abort()
    return out


@dataclass
class Heard:
    """What reached OpenClaw: an answer by `say`, and a note."""

    requests: list[tuple[str, str, dict[str, str], bytes]] = field(default_factory=list)

    async def hear(self, request: web.Request) -> web.StreamResponse:
        sent = {name.lower(): value for name, value in request.headers.items()}
        self.requests.append((request.method, request.raw_path, sent, await request.read()))
        return await say(request)

    @property
    def body(self) -> dict[str, Any]:
        """Of the last request."""
        body: dict[str, Any] = json.loads(self.requests[-1][3])
        return body

    @property
    def headers(self) -> dict[str, str]:
        """Of the last request."""
        return self.requests[-1][2]
