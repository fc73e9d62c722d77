"""The tunnel: bytes at once, in both directions; ends that reach the other side; pods that are ready, in turn."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from typing import Any

import pytest

from infra.local.tunnel import Address, Target, Tunnel, ready_addresses

TARGET = Target("platform", "gateway")
Handler = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Any]


def endpoint_slice(*endpoints: dict[str, Any], port: int = 8080) -> dict[str, Any]:
    return {"ports": [{"name": "http", "port": port}], "endpoints": list(endpoints)}


def test_only_ready_endpoints_count() -> None:
    ready = {"addresses": ["198.18.0.2"], "conditions": {"ready": True}}
    unready = {"addresses": ["198.18.0.3"], "conditions": {"ready": False}}
    leaving = {"addresses": ["198.18.0.4"], "conditions": {"ready": True, "terminating": True}}
    unknown = {"addresses": ["198.18.0.5"]}
    slices = {"a": endpoint_slice(ready, unready, leaving), "b": endpoint_slice(unknown)}
    assert ready_addresses(slices, TARGET) == [("198.18.0.2", 8080), ("198.18.0.5", 8080)]


def test_the_port_is_the_named_one_or_the_given_one() -> None:
    item = endpoint_slice({"addresses": ["198.18.0.2"]})
    item["ports"].insert(0, {"name": "metrics", "port": 9090})
    found = {port: ready_addresses({"a": item}, Target("n", "s", *port)) for port in [("http", None), (None, 7)]}
    assert found == {("http", None): [("198.18.0.2", 8080)], (None, 7): [("198.18.0.2", 7)]}
    assert ready_addresses({"a": item}, Target("n", "s", "absent")) == []


@pytest.mark.parametrize("item", [{}, {"ports": None, "endpoints": None}, endpoint_slice()])
def test_an_empty_slice_is_no_endpoint(item: dict[str, Any]) -> None:
    assert ready_addresses({"a": item}, TARGET) == []


@asynccontextmanager
async def listening(handler: Handler) -> AsyncIterator[Address]:
    tasks = set()

    async def tracked(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        tasks.add(asyncio.current_task())
        await handler(reader, writer)
        await closed(writer)

    server = await asyncio.start_server(tracked, "127.0.0.1", 0)
    try:
        yield server.sockets[0].getsockname()
    finally:
        server.close()
        await asyncio.gather(*filter(None, tasks))


async def closed(writer: asyncio.StreamWriter) -> None:
    writer.close()
    with suppress(OSError):
        await writer.wait_closed()


@asynccontextmanager
async def tunnel_to(*addresses: Address) -> AsyncIterator[Callable[[], Any]]:
    """Yields what opens a client connection through a tunnel to the addresses."""
    tunnel = Tunnel(TARGET)
    tunnel.addresses = list(addresses)
    async with listening(tunnel.serve) as (host, port), asyncio.timeout(20):
        yield lambda: asyncio.open_connection(host, port)


async def test_bytes_pass_as_they_come() -> None:
    may_go_on = asyncio.Event()

    async def upstream(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"first")
        await may_go_on.wait()
        writer.write(b"second")
        writer.close()

    async with listening(upstream) as address, tunnel_to(address) as connect:
        reader, writer = await connect()
        assert await reader.read(100) == b"first"
        may_go_on.set()
        assert await reader.read() == b"second"
        await closed(writer)


async def test_a_client_that_has_said_all_still_gets_its_answer() -> None:
    async def upstream(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"heard " + await reader.read())
        writer.close()

    async with listening(upstream) as address, tunnel_to(address) as connect:
        reader, writer = await connect()
        writer.write(b"hello")
        writer.write_eof()
        assert await reader.read() == b"heard hello"
        await closed(writer)


@pytest.mark.parametrize("abrupt", [True, False])
async def test_a_client_that_leaves_is_noticed_upstream(abrupt: bool) -> None:
    noticed = asyncio.Event()

    async def upstream(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"x")
        try:
            assert await reader.read() == b""
        except ConnectionError:
            assert abrupt
        noticed.set()
        writer.close()

    async with listening(upstream) as address, tunnel_to(address) as connect:
        reader, writer = await connect()
        await reader.read(1)
        writer.transport.abort() if abrupt else writer.close()
        await noticed.wait()
        await closed(writer)


async def test_a_client_that_stays_learns_that_upstream_is_gone() -> None:
    async def upstream(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.transport.abort()

    async with listening(upstream) as address, tunnel_to(address) as connect:
        reader, writer = await connect()
        with suppress(ConnectionError):
            assert await reader.read() == b""
        await closed(writer)


async def test_a_slow_client_holds_upstream_back() -> None:
    sent = 0

    async def upstream(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal sent
        try:
            while True:
                writer.write(bytes(65536))
                await writer.drain()
                sent += 65536
        except ConnectionError:
            pass

    async with listening(upstream) as address, tunnel_to(address) as connect:
        reader, writer = await connect()
        await reader.readexactly(1)
        held = -1
        while sent != held:  # until the sockets' buffers are full and nothing moves any more
            held = sent
            await asyncio.sleep(0.3)
        assert sent < 64 * 2**20
        writer.transport.abort()
        await closed(writer)


def naming(name: bytes) -> Handler:
    async def upstream(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(name)
        writer.close()

    return upstream


async def ask(connect: Callable[[], Any]) -> bytes:
    reader, writer = await connect()
    answer: bytes = await reader.read()
    await closed(writer)
    return answer


async def test_connections_are_spread_over_the_pods() -> None:
    async with (
        listening(naming(b"a")) as first,
        listening(naming(b"b")) as second,
        tunnel_to(first, second) as connect,
    ):
        assert sorted([await ask(connect) for _ in range(4)]) == [b"a", b"a", b"b", b"b"]


async def test_a_pod_that_does_not_answer_is_passed_over() -> None:
    async with listening(naming(b"gone")) as dead:
        pass
    async with listening(naming(b"alive")) as alive, tunnel_to(dead, alive) as connect:
        assert [await ask(connect) for _ in range(2)] == [b"alive", b"alive"]


async def test_without_a_pod_the_client_is_told() -> None:
    async with tunnel_to() as connect:
        reader, writer = await connect()
        writer.write(b"POST /v1/chat/completions HTTP/1.1\r\ncontent-length: 2\r\n\r\n{}")
        answer = await reader.read()
        await closed(writer)
    assert answer.startswith(b"HTTP/1.1 502 ")
    assert b"upstream_failed" in answer
    assert b"no pod of service platform/gateway" in answer
