"""What clients and upstreams notice of each other through the Workers' port."""

import asyncio
import contextlib
from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from tests.infra.local.cloudflare.conftest import Cloudflare
from tests.infra.local.cloudflare.test_scripts import greeting

pytestmark = pytest.mark.asyncio(loop_scope="session")

SOON = 1.0
"""Seconds within which an upstream must learn that the client has gone."""


class Upstream:
    """Answers `/silent` with one line of a stream and then nothing, `/never` with nothing; until the other goes."""

    def __init__(self) -> None:
        self.asked, self.gone = asyncio.Event(), asyncio.Event()
        self.origin = ""

    async def start(self) -> asyncio.Server:
        server = await asyncio.start_server(self.answer, "127.0.0.1", 0)
        self.origin = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
        return server

    async def answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        request = await reader.readuntil(b"\r\n\r\n")
        if request.startswith(b"GET /silent"):
            writer.write(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\none\n\n\r\n")
        self.asked.set()
        with contextlib.suppress(ConnectionError):
            await reader.read()
        self.gone.set()
        writer.close()


@pytest_asyncio.fixture(loop_scope="session")
async def upstream() -> AsyncIterator[Upstream]:
    one = Upstream()
    server = await one.start()
    yield one
    server.close()


async def deploy_proxy(cloudflare: Cloudflare, upstream: Upstream) -> None:
    text = f"""export default {{ fetch(request) {{
      return fetch({upstream.origin!r} + new URL(request.url).pathname, {{ signal: request.signal }}) }} }}"""
    await cloudflare.upload("edge", text, compatibility_flags=["enable_request_signal"])
    await cloudflare.route("api.example.test/*", "edge")


@pytest.mark.parametrize("path", ["/silent", "/never"])
async def test_an_upstream_learns_at_once_that_the_client_has_gone(
    cloudflare: Cloudflare, upstream: Upstream, path: str
) -> None:
    await deploy_proxy(cloudflare, upstream)
    reader, writer = await asyncio.open_connection("127.0.0.1", cloudflare.cloud.host.port)
    writer.write(f"GET {path} HTTP/1.1\r\nHost: localhost\r\n\r\n".encode())
    await asyncio.wait_for(upstream.asked.wait(), 10)
    if path == "/silent":
        await reader.readuntil(b"one\n\n")
    assert not upstream.gone.is_set()
    writer.close()  # a plain FIN
    await asyncio.wait_for(upstream.gone.wait(), SOON)


async def test_a_new_deployment_is_no_refused_connection(cloudflare: Cloudflare) -> None:
    await cloudflare.upload("edge", greeting("0"))
    await cloudflare.route("api.example.test/*", "edge")
    done = asyncio.Event()

    async def visit_until_done() -> int:
        visits = 0
        while not done.is_set():
            _, writer = await asyncio.open_connection("127.0.0.1", cloudflare.cloud.host.port)
            writer.close()
            await writer.wait_closed()
            visits += 1
            await asyncio.sleep(0.005)
        return visits

    visitor = asyncio.create_task(visit_until_done())
    await cloudflare.upload("edge", greeting("1"))
    done.set()
    assert await visitor > 3
    assert await cloudflare.visit() == (200, "1")


async def test_a_stream_that_a_deployment_breaks_off_does_not_look_complete(
    cloudflare: Cloudflare, upstream: Upstream
) -> None:
    await deploy_proxy(cloudflare, upstream)
    reader, writer = await asyncio.open_connection("127.0.0.1", cloudflare.cloud.host.port)
    writer.write(b"GET /silent HTTP/1.1\r\nHost: localhost\r\n\r\n")
    await reader.readuntil(b"one\n\n")
    await cloudflare.upload("edge", greeting("1"))
    try:
        rest = await asyncio.wait_for(reader.read(), 10)
    except ConnectionError:
        rest = b""
    assert b"0\r\n\r\n" not in rest  # the last chunk would say that all was sent
    writer.close()


async def test_values_written_while_the_runtime_restarts_are_kept(cloudflare: Cloudflare) -> None:
    namespace = await cloudflare.namespace("keys")
    values = f"/accounts/a/storage/kv/namespaces/{namespace}/values"
    upload = asyncio.create_task(cloudflare.upload("edge", greeting("1")))
    for number in range(20):
        await cloudflare.call("PUT", f"{values}/{number}", data=b"v")
    await upload
    for number in range(20):
        assert await cloudflare.raw("GET", f"{values}/{number}") == (200, b"v")
