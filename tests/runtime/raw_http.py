"""Requests no client library would send."""

import asyncio

from yarl import URL


async def answer_to_bytes(url: str, sent: bytes, then: bytes = b"") -> tuple[int, dict[str, str], bytes]:
    """Status, headers and body of the only answer to bytes on their own connection; `then` is sent a little later."""
    at = URL(url)
    reader, writer = await asyncio.open_connection(at.host, at.port)
    try:
        async with asyncio.timeout(10):
            writer.write(sent)
            await writer.drain()
            if then:
                await asyncio.sleep(0.1)
                writer.write(then)
            head = await reader.readuntil(b"\r\n\r\n")
            lines = head.decode().split("\r\n")
            answered = {name.lower(): value for name, _, value in (line.partition(": ") for line in lines[1:-2])}
            body = await reader.read()
    finally:
        writer.transport.abort()
        await asyncio.gather(writer.wait_closed(), return_exceptions=True)
    return int(lines[0].split()[1]), answered, body
