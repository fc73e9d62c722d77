"""Ten thousand requests nobody would send: the door keeps its shape, OpenClaw and the log hear nothing of them."""

import asyncio
import io
import json
import logging
import random
import re
import zlib
from collections.abc import AsyncIterator, Callable, Collection, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from typing import Any

import pytest
import requests
import schemathesis
from aiohttp import web
from anyio.from_thread import start_blocking_portal
from hypothesis import HealthCheck, Phase, given, seed, settings
from schemathesis import Case, GenerationMode
from schemathesis.checks import CHECKS

from runtime.agent.door.openapi import document
from runtime.contract import errors, headers, limits, paths
from runtime.http.log import JsonFormatter
from tests.runtime.agent.door.serving import (
    BODIES,
    TOKEN,
    Standing,
    chat_answer,
    chat_events,
    response,
    response_events,
    standing,
    stream,
)
from tests.runtime.serving import EDGE, LOOPBACK

CASES = 200
"""Generated for each of two routes in each of two modes."""
WAYS = 10
"""Ways in which each is sent: 8,000 requests in all."""
CONNECTIONS = 2_000
AT_ONCE = 16
CANARY = "canary-7f3a9c"
OPENCLAWS_SECRET = "/data/openclaw/openclaw.json"
ROUTES = (paths.CHAT_COMPLETIONS, paths.RESPONSES)
CODES = {one.status: {kind.code for kind in errors.KINDS if kind.status == one.status} for one in errors.KINDS}
"""What an error of each status may be."""

PASSED_ON = {
    paths.CHAT_COMPLETIONS: {
        "model", "stream", "stream_options", "messages", "tools", "tool_choice", "max_tokens", "max_completion_tokens",
        "temperature", "top_p", "frequency_penalty", "presence_penalty", "seed", "stop", "response_format",
    },
    paths.RESPONSES: {
        "model", "stream", "input", "instructions", "tools", "tool_choice", "max_output_tokens", "temperature", "top_p",
    },
}  # fmt: skip
"""All OpenClaw may ever get."""
SENT = {
    "accept", "accept-encoding", "authorization", "connection", "content-length", "content-type", "host",
    "x-openclaw-session-key",
}  # fmt: skip


@dataclass
class Moody:
    """An OpenClaw that answers, streams, refuses, fails and breaks off; it notes what it should not have been asked."""

    heard: int = 0
    unexpected: list[str] = field(default_factory=list)

    async def hear(self, request: web.Request) -> web.StreamResponse:
        self.heard += 1
        body = await request.read()
        self._judge(request, body)
        wish = json.loads(body)
        chat = request.path == paths.CHAT_COMPLETIONS
        match zlib.crc32(body) % 8:
            case 0:
                error = {"message": f"{OPENCLAWS_SECRET}: no such file", "type": "api_error"}
                return web.json_response({"error": error}, status=500)
            case 1:
                return web.json_response({"error": {"message": OPENCLAWS_SECRET}}, status=400)
            case 2 if wish["stream"]:
                said = chat_events("Hel") if chat else response_events("Hel")
                return await stream(request, said[:2], "break")
        if wish["stream"]:
            return await stream(request, chat_events("Hello.") if chat else response_events("Hello."))
        return web.json_response(chat_answer() if chat else response())

    def _judge(self, request: web.Request, body: bytes) -> None:
        sent = {name.lower(): value for name, value in request.headers.items()}
        expected = (
            request.method == "POST"
            and request.raw_path in ROUTES
            and sent.keys() == SENT
            and sent["authorization"] == f"Bearer {TOKEN}"
            and re.fullmatch(r"user-[0-9a-f]{64}|once-[0-9a-f]{32}", sent["x-openclaw-session-key"])
            and json.loads(body)["model"] == "openclaw/default"
            and json.loads(body).keys() <= PASSED_ON[request.path]
        )
        if not expected:
            self.unexpected.append(f"{request.method} {request.raw_path} {sorted(sent)} {body[:300]!r}")


@contextmanager
def everything_logged() -> Iterator[io.StringIO]:
    """All that any logger says, as the pod would write it and as it came."""
    written = io.StringIO()
    handler = logging.StreamHandler(written)
    formatter = JsonFormatter("agent")
    handler.format = lambda record: f"{formatter.format(record)} {record.getMessage()} {record.__dict__}"  # type: ignore[method-assign]
    root, before = logging.getLogger(), logging.getLogger().level
    root.addHandler(handler)
    root.setLevel(logging.DEBUG)
    # What the clients of this test say is no log of the door's.
    others = [logging.getLogger(name) for name in ("asyncio", "urllib3", "hypothesis", "schemathesis", "filelock")]
    for other in others:
        other.propagate = False
    try:
        yield written
    finally:
        root.removeHandler(handler)
        root.setLevel(before)
        for other in others:
            other.propagate = True


def assert_nothing_told(text: str) -> None:
    """No token, no prompt and nothing of OpenClaw's in there."""
    for secret in (TOKEN, CANARY, OPENCLAWS_SECRET, "eyJ"):
        assert secret not in text, text[max(0, text.index(secret) - 500) :][:1000]


def assert_in_shape(status: int, body: bytes, what: object) -> None:
    """An answer the door may give to anything."""
    assert_nothing_told(body.decode(errors="replace").replace(CANARY, ""))
    if status != 200:
        assert status in CODES, (status, what)
        error = json.loads(body)["error"]
        assert set(error) == {"message", "type", "param", "code"}, what
        assert error["code"] in CODES[status], what
        assert status != errors.INTERNAL.status, what


SCHEMA = schemathesis.openapi.from_dict(document())
CONFORMANCE: Any = CHECKS.get_by_names(
    [
        "status_code_conformance",
        "content_type_conformance",
        "response_headers_conformance",
        "response_schema_conformance",
    ]
)


@pytest.mark.parametrize("path", ROUTES)
@pytest.mark.parametrize("mode", [GenerationMode.POSITIVE, GenerationMode.NEGATIVE], ids=["valid", "invalid"])
def test_generated_requests(path: str, mode: GenerationMode) -> None:
    openclaw = Moody()
    with (
        everything_logged() as written,
        start_blocking_portal() as portal,
        portal.wrap_async_context_manager(standing(openclaw.hear)) as door,
        requests.Session() as client,
    ):
        _send_all(door, client, path, mode)
    assert openclaw.unexpected == []
    assert 0 < openclaw.heard <= len(door.book.entries)
    # An expectation is refused before the door sees the request.
    assert len(door.metrics.requests) == (WAYS - 1) * CASES
    assert '"event": "request"' in written.getvalue()
    assert_nothing_told(written.getvalue())


def _send_all(door: Standing, client: requests.Session, path: str, mode: GenerationMode) -> None:
    base = str(door.url).rstrip("/")

    @seed(1)
    @settings(
        max_examples=CASES,
        database=None,
        deadline=None,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(SCHEMA[path]["POST"].as_strategy(generation_mode=mode))
    def send(case: Case[Any]) -> None:
        token = {**EDGE.headers(), "X-Canary": CANARY}
        case.headers.pop(headers.EDGE_TOKEN, None)
        case.headers.update(token)
        case.query = {"gatewayUrl": CANARY}
        case.call_and_validate(base_url=base, session=client, checks=CONFORMANCE)
        ways = list(_ways(path, case, token))
        assert len(ways) == WAYS - 1
        for target, body, sent, statuses in ways:
            answer = client.post(base + target, data=body, headers=sent)
            assert_in_shape(answer.status_code, answer.content, (target, body))
            assert answer.status_code in statuses, (target, body)

    send()


_ANY = CODES.keys() | {200}


def _ways(
    path: str, case: Case[Any], token: dict[str, str]
) -> Iterator[tuple[str, bytes, dict[str, str], Collection[int]]]:
    """More ways to send the same, and how each may end."""
    body = _bytes_of(case.body)
    wish = case.body if isinstance(case.body, dict) else {}
    other = next(route for route in ROUTES if route != path)
    yield path, body[: len(body) // 2] + b"\xff" + body[len(body) // 2 :], token, {400}
    yield other, body, token, _ANY
    yield path, body, {**token, headers.EDGE_TOKEN: EDGE.token(agent="other")}, {401}
    yield path, json.dumps({**BODIES[path], "stream": True, **wish}).encode(), token, _ANY
    yield path, json.dumps({**wish, "gateway_url": CANARY}).encode(), token, {400}
    yield path, body, {**token, "Content-Encoding": "gzip"}, {400}
    yield path, body, {**token, "Expect": CANARY}, {400}
    yield path, body, {**token, "X-OpenClaw-Session-Key": CANARY, "Forwarded": CANARY, "Cookie": CANARY}, _ANY
    yield f"{path}/{CANARY}", body, token, {404}


def _bytes_of(body: Any) -> bytes:
    if isinstance(body, bytes):
        return body
    try:
        return json.dumps(body).encode()
    except TypeError:
        return repr(body).encode()


Bytes = Callable[[random.Random], bytes]


def _token() -> str:
    return f"{headers.EDGE_TOKEN}: {EDGE.token()}\r\n"


def _request(more: str, body: bytes = b"", method: str = "POST", target: str = paths.CHAT_COMPLETIONS) -> bytes:
    return f"{method} {target} HTTP/1.1\r\nHost: x\r\nX-Canary: {CANARY}\r\n{_token()}{more}\r\n".encode() + body


def _chat(words: str = CANARY) -> bytes:
    return json.dumps({"messages": [{"role": "user", "content": words}]}).encode()


SMUGGLED = b"POST /tools/invoke HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\n\r\n"


def _good(rng: random.Random) -> bytes:
    body = _chat(CANARY + str(rng.random()))
    return _request(f"Content-Length: {len(body)}\r\nConnection: close\r\n", body)


def _noise(rng: random.Random) -> bytes:
    return rng.randbytes(rng.randint(1, 300)) + b"\r\n\r\n"


def _mutated(rng: random.Random) -> bytes:
    raw = bytearray(_good(rng))
    for _ in range(rng.randint(1, 8)):
        raw[rng.randrange(len(raw))] = rng.randrange(256)
    return bytes(raw)


def _cut(rng: random.Random) -> bytes:
    raw = _good(rng)
    return raw[: rng.randrange(1, len(raw))]


def _flood(rng: random.Random) -> bytes:
    many = "".join(f"X-{n}: {CANARY}\r\n" for n in range(rng.randint(100, 400)))
    return _request(many + "Content-Length: 2\r\n", b"{}")


def _long(rng: random.Random) -> bytes:
    return _request(f"X-Long: {CANARY}{'x' * rng.randint(5_000, 40_000)}\r\nContent-Length: 2\r\n", b"{}")


def _long_target(rng: random.Random) -> bytes:
    return _request("", method="GET", target=f"/{CANARY}{'x' * rng.randint(5_000, 40_000)}")


def _both_lengths(rng: random.Random) -> bytes:
    first, second = rng.sample([f"Content-Length: {rng.randint(0, 60)}", "Transfer-Encoding: chunked"], 2)
    return _request(f"{first}\r\n{second}\r\n", b"0\r\n\r\n" + SMUGGLED)


def _odd_encoding(rng: random.Random) -> bytes:
    odd = [
        "chunked, chunked",
        "xchunked",
        "chunked\x0b",
        " chunked",
        "identity, chunked",
        "gzip, chunked",
        "CHUNKED;q=1",
    ]
    return _request(f"Transfer-Encoding: {rng.choice(odd)}\r\n", b"0\r\n\r\n" + SMUGGLED)


def _odd_length(rng: random.Random) -> bytes:
    odd = ["-1", "+5", "0x10", "5, 5", "5 5", "1e3", "", "٣", "99999999999999999999", "5\r\nContent-Length: 6", "0_5"]
    return _request(f"Content-Length: {rng.choice(odd)}\r\n", b"hello" + SMUGGLED)


def _odd_chunks(rng: random.Random) -> bytes:
    odd = [
        b"ffffffffffffffffff\r\n", b"-1\r\nx\r\n", b"5;x=\r\nhello\r\n", b"5\nhello\n0\n\n", b"0x5\r\nhello\r\n",
        b"5\r\nhelloXX0\r\n\r\n", b"5\r\nhel", b"7fffffff\r\n" + b"x" * 1000, b"0\r\nX-Trailer: " + b"x" * 9000,
        b" 5\r\nhello\r\n", b"5" + b"0" * 500 + b"\r\n",
    ]  # fmt: skip
    return _request("Transfer-Encoding: chunked\r\n", rng.choice(odd) + b"0\r\n\r\n" + SMUGGLED)


def _odd_header(rng: random.Random) -> bytes:
    odd = [
        f"X-{CANARY}\r\n", f" X: {CANARY}\r\n", f"X : {CANARY}\r\n", f"X: a\r\n {CANARY}\r\n", f"X: {CANARY}\x00\r\n",
        f"X: {CANARY}\n\r\n", f"X\x00: {CANARY}\r\n", f": {CANARY}\r\n", f"X: a\rX-Y: {CANARY}\r\n", "Host: y\r\n",
        _token(), f"{headers.EDGE_TOKEN} : x\r\n", f"Transfer_Encoding: {CANARY}\r\n", "Expect: 200-maybe\r\n",
        "Content-Encoding: gzip\r\n", "Upgrade: h2c\r\nHTTP2-Settings: AAA\r\nConnection: Upgrade\r\n",
    ]  # fmt: skip
    return _request(rng.choice(odd) + "Content-Length: 2\r\n", b"{}")


def _odd_line(rng: random.Random) -> bytes:
    odd = [
        "POST  /v1/chat/completions HTTP/1.1", "POST /v1/chat/completions", "POST /v1/chat/completions HTTP/9.9",
        "POST /v1/chat/completions HTTP/1.1 x", "/v1/chat/completions POST HTTP/1.1", "POST\t/ HTTP/1.1",
        "POST \x00 HTTP/1.1",
        "post /v1/chat/completions HTTP/1.1", "P\x7fST / HTTP/1.1", "PRI * HTTP/2.0", "GET / HTTP/0.9",
        "\r\n\r\nGET / HTTP/1.1",
        "CONNECT 169.254.169.254:80 HTTP/1.1", "OPTIONS * HTTP/1.1",
        "GET /v1/responses HTTP/1.1", "TRACE / HTTP/1.1", "GET http://[::1 HTTP/1.1",
        "GET //evil.example/%00 HTTP/1.1", f"GET /{CANARY}?gatewayUrl=ws://x HTTP/1.1", "GET ws://x HTTP/1.1",
        "\x16\x03\x01\x02",
    ]  # fmt: skip
    return f"{rng.choice(odd)}\r\nHost: x\r\n{_token()}Content-Length: 0\r\n\r\n".encode("latin-1")


def _pipeline(rng: random.Random) -> bytes:
    return b"".join(rng.choice((_good, _mutated, _odd_line, _odd_chunks))(rng) for _ in range(rng.randint(2, 12)))


def _too_much(rng: random.Random) -> bytes:
    more = rng.choice((f"Content-Length: {limits.BODY_BYTES + 1}\r\n", "Content-Length: 4000000000\r\n"))
    return _request(more, b'{"messages": "' + b"x" * 1000)


def _slow(rng: random.Random) -> bytes:
    return _request("Content-Length: 1000\r\n", b"{" * rng.randint(0, 20))


KINDS: tuple[Bytes, ...] = (
    _good, _noise, _mutated, _mutated, _cut, _flood, _long, _long_target, _both_lengths, _odd_encoding, _odd_length,
    _odd_chunks, _odd_header, _odd_line, _pipeline, _too_much, _slow,
)  # fmt: skip
_STATUS = re.compile(rb"HTTP/\d\.\d (\d{3}) ")


async def test_raw_connections(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "FIRST_BYTE_S", 0.3)
    openclaw = Moody()
    rng = random.Random(1)  # noqa: S311  # the same bytes in every run
    todo = [(kind.__name__, rng.randrange(1 << 32), kind) for kind in rng.choices(KINDS, k=CONNECTIONS)]
    answered: dict[str, set[int]] = {}
    with everything_logged() as written:
        async with standing(openclaw.hear) as door:
            waiting = iter(todo)
            await asyncio.gather(*(_work(door, waiting, answered) for _ in range(AT_ONCE)))
            async with door.post(BODIES[paths.RESPONSES], paths.RESPONSES) as answer:
                assert answer.status in (200, 400, 502), "the door still stands"
    assert openclaw.unexpected == []
    assert 0 < openclaw.heard <= len(door.book.entries)
    assert {200, 400, 401, 404, 405, 408, 413} <= {status for statuses in answered.values() for status in statuses}
    assert answered["_flood"] == answered["_both_lengths"] == {400}
    assert_nothing_told(written.getvalue())


async def _work(door: Standing, waiting: Iterator[tuple[str, int, Bytes]], answered: dict[str, set[int]]) -> None:
    for name, number, kind in waiting:
        rng = random.Random(number)  # noqa: S311
        answer = await _converse(door, kind(rng), rng)
        for status, body in _answers(answer):
            assert_in_shape(status, body, (name, number))
            answered.setdefault(name, set()).add(status)


@asynccontextmanager
async def _connected(door: Standing) -> AsyncIterator[tuple[asyncio.StreamReader, asyncio.StreamWriter]]:
    reader, writer = await asyncio.open_connection(LOOPBACK, door.url.port, limit=1 << 20)
    try:
        yield reader, writer
    finally:
        writer.transport.abort()
        await asyncio.gather(writer.wait_closed(), return_exceptions=True)


async def _converse(door: Standing, sent: bytes, rng: random.Random) -> bytes:
    """Send these bytes in one or more pieces; all that is answered until nothing comes any more."""
    answer = b""
    async with _connected(door) as (reader, writer):
        try:
            async with asyncio.timeout(0.6):
                cut = rng.choice((len(sent), rng.randrange(1, len(sent) + 1)))
                for piece in (sent[:cut], sent[cut:]):
                    writer.write(piece)
                    await writer.drain()
                    await asyncio.sleep(0)
                while chunk := await reader.read(65536):
                    answer += chunk
        except (TimeoutError, ConnectionError):
            pass
    return answer


def _answers(answer: bytes) -> Iterator[tuple[int, bytes]]:
    """Each whole answer with a length in there."""
    while found := _STATUS.match(answer):
        head, _, rest = answer.partition(b"\r\n\r\n")
        length = re.search(rb"(?i)content-length: (\d+)", head)
        if length is None or len(rest) < int(length[1]):
            assert found[1] in (b"200", b"100"), answer[:300]
            return
        yield int(found[1]), rest[: int(length[1])]
        answer = rest[int(length[1]) :]
    assert answer == b"", answer[:300]
