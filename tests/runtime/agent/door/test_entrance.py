"""Who is let in, to what, and what of a request goes on."""

import asyncio
import json
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import aiohttp
import pytest
from yarl import URL

from runtime.contract import headers, limits, paths
from runtime.http.edge_keys import EdgeKeys
from tests.runtime.agent.door.serving import (
    BODIES,
    CHAT,
    DONE,
    RESPONSES,
    TOKEN,
    Heard,
    asked,
    chat_events,
    say,
    standing,
    standing_before,
)
from tests.runtime.edge import Edge
from tests.runtime.serving import EDGE, LOOPBACK, error_code, must_not_be_reached

ROUTES = (paths.CHAT_COMPLETIONS, paths.RESPONSES)


@pytest.mark.parametrize("path", ROUTES)
async def test_openclaw_is_asked_with_its_own_token_for_its_own_agent(path: str) -> None:
    heard = Heard()
    async with asked(heard.hear, path=path) as answer:
        assert answer.status == 200
        assert (await answer.json())["model"] == "helper"
    [(method, reached, sent, _)] = heard.requests
    assert (method, reached, sent["authorization"]) == ("POST", path, f"Bearer {TOKEN}")
    assert (heard.body["model"], heard.body["stream"]) == ("openclaw/default", False)


async def test_only_what_the_door_says_reaches_openclaw() -> None:
    private = {
        "Authorization": "Bearer mg_acme_key",
        "Cookie": "a=b",
        "Connection": "close, x-hop",
        "X-Hop": "1",
        "TE": "trailers",
        "Forwarded": "for=198.51.100.7",
        "X-Forwarded-For": "198.51.100.7",
        "X-Real-IP": "198.51.100.7",
        "X-OpenClaw-Scopes": "operator.admin",
        "X-OpenClaw-Session-Key": "agent:main:main",
        "X-OpenClaw-Model": "openai/gpt",
        "X-OpenClaw-Agent-Id": "other",
        "X-OpenClaw-Message-Channel": "telegram",
        "X-Owner": "me",
        "Accept": "text/html",
        "Accept-Language": "de",
        "Origin": "http://localhost",
    }
    heard = Heard()
    async with standing(heard.hear) as door:
        url = door.url.with_path(paths.CHAT_COMPLETIONS).with_query(gatewayUrl="ws://evil.example")
        async with door.client.post(url, json=CHAT, headers={**EDGE.headers(), **private}) as answer:
            assert answer.status == 200
    assert set(heard.headers) == {
        "accept", "accept-encoding", "authorization", "connection", "content-length", "content-type", "host",
        "x-openclaw-session-key",
    }  # fmt: skip
    assert heard.headers["authorization"] == f"Bearer {TOKEN}"
    assert heard.headers["x-openclaw-session-key"].startswith("once-")
    assert heard.headers["accept"] == "*/*"
    assert heard.requests[0][1] == paths.CHAT_COMPLETIONS


@pytest.mark.parametrize("path", [*ROUTES, paths.MODELS])
@pytest.mark.parametrize(
    "sign",
    [
        dict,
        lambda: {headers.EDGE_TOKEN: "nonsense"},
        lambda: Edge("other").headers(),
        lambda: Edge(EDGE.kid).headers(),
        lambda: EDGE.headers("acme", "other"),
        lambda: EDGE.headers("globex", "helper"),
        lambda: {headers.EDGE_TOKEN: EDGE.token(iss="somebody")},
        lambda: {headers.EDGE_TOKEN: EDGE.token(iat=1, exp=2)},
    ],
    ids=["none", "nonsense", "unknown key", "forged", "other agent", "other tenant", "other issuer", "expired"],
)
async def test_only_a_good_token_for_this_agent_opens(path: str, sign: Callable[[], dict[str, str]]) -> None:
    async with standing(must_not_be_reached) as door:
        method = "GET" if path == paths.MODELS else "POST"
        async with door.client.request(method, door.url.with_path(path), data=b"not json", headers=sign()) as answer:
            assert (answer.status, await error_code(answer)) == (401, "invalid_edge_token")
        assert door.book.entries == []


async def test_a_token_of_a_retired_key_is_refused_although_it_was_good_before(tmp_path: Path) -> None:
    file = tmp_path / "edge-keys.json"
    file.write_text(EDGE.jwks)
    keys = EdgeKeys(file)
    sent = EDGE.headers()
    async with standing(say, keys=keys.verifier) as door:
        async with door.post(CHAT, sent=sent) as answer:
            assert answer.status == 200
        file.write_text(Edge("k2").jwks)
        async with door.post(CHAT, sent=sent) as answer:
            assert answer.status == 401


@pytest.mark.parametrize("path", ROUTES)
async def test_an_agent_that_is_not_ready_says_so(path: str) -> None:
    async with asked(must_not_be_reached, path=path, ready=False) as answer:
        assert (answer.status, await error_code(answer)) == (503, "agent_not_ready")
        assert int(answer.headers["Retry-After"]) > 0


async def test_the_list_of_models_is_this_agent() -> None:
    async with (
        standing(must_not_be_reached, ready=False) as door,
        door.client.get(door.url.with_path(paths.MODELS), headers=EDGE.headers()) as answer,
    ):
        listed = await answer.json()
        assert answer.headers[headers.RECEIPT] == f"{0:064x}"
        assert [entry.path for entry in door.book.entries] == [paths.MODELS]
    [model] = listed["data"]
    assert (listed["object"], model["id"], model["object"], model["owned_by"]) == ("list", "helper", "model", "acme")


@pytest.mark.parametrize("path", ROUTES)
@pytest.mark.parametrize(
    "body",
    [b"", b"{", b"[]", b'"x"', b"null", b'{"n": NaN}', b"\xff", b"[" * 100_000, b'{"n": ' + b"1" * 5000 + b"}"],
    ids=["nothing", "torn", "list", "text", "null", "nan", "no utf-8", "deep", "long number"],
)
async def test_a_body_that_is_no_json_object_is_refused(path: str, body: bytes) -> None:
    async with asked(must_not_be_reached, body, path) as answer:
        assert (answer.status, await error_code(answer)) == (400, "invalid_request")


@pytest.mark.parametrize("path", ROUTES)
async def test_a_body_too_large_is_refused(path: str) -> None:
    body = json.dumps({**BODIES[path], "user": "x" * limits.BODY_BYTES}).encode()
    async with asked(must_not_be_reached, body, path) as answer:
        assert (answer.status, await error_code(answer)) == (413, "request_too_large")


async def test_a_packed_body_is_refused() -> None:
    async with asked(must_not_be_reached, sent={**EDGE.headers(), "Content-Encoding": "gzip"}) as answer:
        assert (answer.status, await error_code(answer)) == (400, "invalid_request")


async def test_an_expectation_nobody_meets_is_refused_in_the_same_shape() -> None:
    async with asked(must_not_be_reached, sent={**EDGE.headers(), "Expect": "a-miracle"}) as answer:
        assert (answer.status, await error_code(answer)) == (400, "invalid_request")


@pytest.mark.parametrize("many", [{"X-Big": "x" * 10_000}, {f"X-{n}": "1" for n in range(200)}], ids=["big", "many"])
async def test_too_much_of_headers_is_refused_in_the_same_shape(many: dict[str, str]) -> None:
    async with asked(must_not_be_reached, sent={**EDGE.headers(), **many}) as answer:
        assert (answer.status, await error_code(answer)) == (400, "invalid_request")


async def test_a_method_of_another_route_is_refused() -> None:
    async with standing(must_not_be_reached) as door:
        for method, path in (("GET", paths.RESPONSES), ("POST", paths.MODELS), ("HEAD", paths.MODELS)):
            async with door.client.request(method, door.url.with_path(path), headers=EDGE.headers()) as answer:
                assert answer.status == 405
                assert answer.headers["Allow"] == ("GET" if path == paths.MODELS else "POST")


async def test_the_answer_carries_its_id_and_the_newest_receipt() -> None:
    async with standing(say) as door:
        for number in range(2):
            async with door.post(RESPONSES, paths.RESPONSES, {**EDGE.headers(), headers.REQUEST_ID: "r-1"}) as answer:
                assert answer.headers[headers.RECEIPT] == f"{number:064x}"
                assert answer.headers[headers.REQUEST_ID] == "r-1"
        assert [entry.id for entry in door.book.entries] == ["r-1", "r-1"]


async def test_openclaw_gone_is_a_502() -> None:
    async def gone(request: aiohttp.web.Request) -> aiohttp.web.StreamResponse:
        assert request.transport is not None
        request.transport.abort()
        return aiohttp.web.Response()

    async with asked(gone) as answer:
        assert (answer.status, await error_code(answer)) == (502, "upstream_failed")


async def test_no_connection_to_openclaw_is_used_twice() -> None:
    """OpenClaw's streams promise to keep a connection; of one that was asked to close, its server takes no more."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        stream = b"".join(chat_events("Hello."))
        head = f"Content-Type: text/event-stream\r\nConnection: keep-alive\r\nContent-Length: {len(stream)}\r\n\r\n"
        writer.write(b"HTTP/1.1 200 OK\r\n" + head.encode() + stream)
        with suppress(asyncio.IncompleteReadError):
            await reader.readuntil(b"\r\n\r\n")
            writer.write(b"HTTP/1.1 400 Bad Request\r\nConnection: close\r\n\r\n")
        writer.close()

    server = await asyncio.start_server(serve, LOOPBACK, 0)
    openclaw = URL(f"http://{LOOPBACK}:{server.sockets[0].getsockname()[1]}")
    async with server, asyncio.timeout(10), standing_before(openclaw) as door:
        for _ in range(3):
            async with door.post({**CHAT, "stream": True}) as answer:
                assert answer.status == 200
                assert (await answer.read()).endswith(DONE)
