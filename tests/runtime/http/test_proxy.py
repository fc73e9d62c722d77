"""Streaming through a hop: nothing is held back, nothing outlives its client, nothing broken looks whole."""

import asyncio
import io
import socket
from collections.abc import AsyncIterator

import aiohttp
import pytest
from aiohttp import web

from runtime.contract import headers, limits
from runtime.http import proxy
from runtime.http.answers import Handler
from tests.runtime.serving import (
    BODY,
    EDGE,
    LOOPBACK,
    answer_to,
    error_code,
    gateway,
    must_not_be_reached,
    never,
    say_ok,
    upstream,
)


async def test_each_chunk_comes_before_the_next_is_spoken() -> None:
    heard = [asyncio.Event() for _ in range(3)]

    async def speak(request: web.Request) -> web.StreamResponse:
        out = web.StreamResponse(headers={"Content-Type": "text/event-stream"})
        await out.prepare(request)
        for number, event in enumerate(heard):
            await out.write(f"data: {number}\n\n".encode())
            await event.wait()
        return out

    async with answer_to(speak) as answer:
        assert answer.content_type == "text/event-stream"
        for number, event in enumerate(heard):
            assert await answer.content.readany() == f"data: {number}\n\n".encode()
            event.set()
        assert await answer.content.readany() == b""


async def test_headers_come_before_the_first_byte_of_a_body() -> None:
    go_on = asyncio.Event()

    async def think(request: web.Request) -> web.StreamResponse:
        out = web.StreamResponse()
        await out.prepare(request)
        await go_on.wait()
        return out

    async with answer_to(think) as answer:
        assert answer.status == 200
        go_on.set()


async def test_a_body_goes_on_before_all_of_it_has_come() -> None:
    first_came = asyncio.Event()

    async def listen(request: web.Request) -> web.Response:
        first = await request.content.readany()
        first_came.set()
        return web.Response(body=first + await request.content.read())

    async def body() -> AsyncIterator[bytes]:
        yield b"first "
        await first_came.wait()
        yield b"second"

    async with answer_to(listen, data=body()) as answer:
        assert await answer.read() == b"first second"


@pytest.mark.parametrize("when", ["before the answer", "in the answer"])
async def test_a_client_that_goes_takes_the_request_with_it(when: str) -> None:
    arrived, cancelled = asyncio.Event(), asyncio.Event()

    async def speak(request: web.Request) -> web.StreamResponse:
        out = web.StreamResponse()
        try:
            await request.read()
            if when == "in the answer":
                await out.prepare(request)
                await out.write(b"data: 1\n\n")
            arrived.set()
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            cancelled.set()
            raise
        return out

    async with upstream(speak) as port, gateway(EDGE, port) as url, aiohttp.ClientSession() as client:
        asking = asyncio.create_task(_ask(client, url))
        await arrived.wait()
        asking.cancel()
        async with asyncio.timeout(1):
            await cancelled.wait()


async def _ask(client: aiohttp.ClientSession, url: str) -> None:
    async with client.post(url, data=BODY, headers=EDGE.headers()) as answer:
        await answer.read()


async def test_a_body_that_says_it_is_too_large_is_refused_at_once() -> None:
    async with answer_to(must_not_be_reached, data=io.BytesIO(b"x" * (limits.BODY_BYTES + 1))) as answer:
        assert (answer.status, await error_code(answer)) == (413, "request_too_large")


async def test_a_body_that_grows_too_large_is_refused_where_it_does() -> None:
    broke = asyncio.Event()

    async def listen(request: web.Request) -> web.Response:
        try:
            await request.read()
        except (OSError, aiohttp.ClientError, asyncio.CancelledError):
            broke.set()
            raise
        return web.Response()

    async def body() -> AsyncIterator[bytes]:
        for _ in range(limits.BODY_BYTES // 65536 + 1):
            yield b"x" * 65536

    async with answer_to(listen, data=body()) as answer:
        assert (answer.status, await error_code(answer)) == (413, "request_too_large")
        async with asyncio.timeout(5):
            await broke.wait()


async def test_a_body_of_the_very_limit_goes_through() -> None:
    async def count(request: web.Request) -> web.Response:
        return web.Response(text=str(len(await request.read())))

    async with answer_to(count, data=io.BytesIO(b"x" * limits.BODY_BYTES)) as answer:
        assert await answer.text() == str(limits.BODY_BYTES)


async def test_a_malformed_body_is_the_clients_mistake() -> None:
    async with upstream(say_ok) as port, gateway(EDGE, port) as url:
        answer = await _raw(url, "Transfer-Encoding: chunked", b"5\r\nhello\r\nnonsense\r\n")
    assert b" 400 " in answer.splitlines()[0]


async def test_an_agent_that_never_answers_is_a_504(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "FIRST_BYTE_S", 0.2)
    async with answer_to(never) as answer:
        assert (answer.status, await error_code(answer)) == (504, "upstream_timeout")


async def test_a_client_that_stops_sending_is_a_408(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "FIRST_BYTE_S", 0.2)
    async with upstream(say_ok) as port, gateway(EDGE, port) as url:
        answer = await _raw(url, "Content-Length: 100", b"{")
    assert answer.startswith(b"HTTP/1.1 408")
    assert b"request_timeout" in answer


async def test_a_stream_that_falls_silent_never_looks_whole(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "IDLE_S", 0.2)

    async def stall(request: web.Request) -> web.StreamResponse:
        out = web.StreamResponse()
        await out.prepare(request)
        await out.write(b"data: 1\n\n")
        await asyncio.Event().wait()
        return out

    await _assert_broken(stall)


async def test_a_stream_that_breaks_never_looks_whole() -> None:
    async def break_off(request: web.Request) -> web.StreamResponse:
        out = web.StreamResponse()
        await out.prepare(request)
        await out.write(b"data: 1\n\n")
        assert request.transport is not None
        request.transport.abort()
        return out

    await _assert_broken(break_off)


async def _assert_broken(handler: Handler) -> None:
    async with answer_to(handler) as answer:
        assert await answer.content.readany() == b"data: 1\n\n"
        with pytest.raises((aiohttp.ClientError, ConnectionError)):
            await answer.read()


async def _raw(url: str, header: str, body: bytes) -> bytes:
    """The answer to a request that no client library would send."""
    port = int(url.split(":")[2].split("/")[0])
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    token = f"{headers.EDGE_TOKEN}: {EDGE.token()}"
    writer.write(f"POST /v1/chat/completions HTTP/1.1\r\nHost: x\r\n{token}\r\n{header}\r\n\r\n".encode() + body)
    async with asyncio.timeout(10):
        head = await reader.readuntil(b"\r\n\r\n")
        rest = await reader.read(4096)
    writer.close()
    return head + rest


async def test_a_host_that_acknowledges_nothing_is_given_up() -> None:
    async def begin(request: web.Request) -> web.StreamResponse:
        out = web.StreamResponse()
        await out.prepare(request)
        await asyncio.Event().wait()
        return out

    async with (
        upstream(begin) as port,
        proxy.client() as session,
        session.post(f"http://{LOOPBACK}:{port}/") as answer,
    ):
        assert answer.connection is not None
        assert answer.connection.transport is not None
        made = answer.connection.transport.get_extra_info("socket")
        assert made.getsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT) == proxy.UNHEARD_S * 1000
        assert made.getsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE) == 1
