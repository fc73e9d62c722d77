"""The streaming proxy: a request goes on as it comes, its answer comes back as it is spoken."""

import asyncio
import socket
from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial

import aiohttp
from aiohttp import web
from yarl import URL

from runtime.contract import errors, headers, limits
from runtime.http.answers import EXCHANGE, RefusedError
from runtime.http.body import RequestBody
from runtime.http.deadline import extend

KEPT_CONNECTION_S = 30
"""Seconds an idle connection to the next hop is kept: less than any server of ours keeps it (`server.KEEP_ALIVE_S`),
so that no request is sent into a connection that is just being closed."""

UNHEARD_S = 20
"""Seconds the next hop's host may acknowledge nothing of what it was sent; then it counts as gone, and the request has
failed: a kept connection notices nothing of a way that was cut. Agents may be at another site, to which the mesh finds
another way within 10 s; connections are to live through that. The kernel looks when it sends anew, so it may take
half as long again."""

_PASSED_ON = ("Content-Type", "Accept")
"""The request's own headers the next hop gets; all others end here."""
_PASSED_BACK = ("Content-Type", "Content-Length", "Cache-Control", "Retry-After", headers.RECEIPT, headers.USAGE)
"""The answer's headers the client gets; all others end here."""


@dataclass(frozen=True)
class Upstream:
    """Where a request goes on, and the headers it is given for that way beyond those every request keeps."""

    url: URL
    headers: Mapping[str, str]


def client(*, keeps: bool = True) -> aiohttp.ClientSession:
    """A session for proxying: answers come unaltered, and only connecting has a timeout here.

    Connections are kept, unless the next hop is none of ours and `keeps` is False: then each serves one request.
    """
    kept_s = KEPT_CONNECTION_S if keeps else None
    return aiohttp.ClientSession(
        connector=aiohttp.TCPConnector(
            limit=0, keepalive_timeout=kept_s, force_close=not keeps, socket_factory=_socket
        ),
        timeout=aiohttp.ClientTimeout(total=None, sock_connect=limits.CONNECT_S),
        cookie_jar=aiohttp.DummyCookieJar(),
        skip_auto_headers=("User-Agent",),
        auto_decompress=False,
        trust_env=False,
    )


def _socket(address: aiohttp.AddrInfoType) -> socket.socket:
    """A socket that gives up where nothing is acknowledged for UNHEARD_S, also while it only listens."""
    family, kind, protocol, *_ = address
    made = socket.socket(family, kind, protocol)
    made.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    for option, seconds in (
        (socket.TCP_KEEPIDLE, UNHEARD_S // 2),
        (socket.TCP_KEEPINTVL, UNHEARD_S // 4),
        (socket.TCP_USER_TIMEOUT, UNHEARD_S * 1000),
    ):
        made.setsockopt(socket.IPPROTO_TCP, option, seconds)
    return made


async def forward(
    request: web.Request, session: aiohttp.ClientSession, upstream: Upstream, body: bytes | None = None
) -> web.StreamResponse:
    """Send the request on and stream the answer back; `body` replaces the request's own, which else goes as it comes.

    Cancelling this (which the server does when the client goes) closes the connection to the next hop. Raises
    RefusedError as long as nothing was answered; after that an upstream that fails or falls silent ends the client's
    connection in the middle, so that a broken answer never looks like a whole one.
    """
    out = web.StreamResponse()
    source: RequestBody | None = None
    try:
        async with asyncio.timeout(limits.FIRST_BYTE_S) as deadline:
            if body is None:
                source = RequestBody(request, partial(extend, deadline, limits.FIRST_BYTE_S))
            sent = _onward(request, upstream, source)
            async with session.post(upstream.url, data=source or body, headers=sent, allow_redirects=False) as answer:
                await _relay(request, answer, out, deadline)
    except (aiohttp.ClientError, TimeoutError) as error:
        if out.prepared:
            return _abort(request, out, error)
        raise _refusal(error, source) from error
    return out


async def _relay(
    request: web.Request, answer: aiohttp.ClientResponse, out: web.StreamResponse, deadline: asyncio.Timeout
) -> None:
    """Stream the next hop's answer to the client; every chunk is written as it came, before the next is read."""
    try:
        out.set_status(answer.status)
        out.headers.update({name: answer.headers[name] for name in _PASSED_BACK if name in answer.headers})
        out.headers[headers.REQUEST_ID] = request[EXCHANGE].request_id
        extend(deadline, limits.IDLE_S)
        await out.prepare(request)
        request[EXCHANGE].note_first_byte()
        async for chunk in answer.content.iter_any():
            await out.write(chunk)
            extend(deadline, limits.IDLE_S)
        await out.write_eof()
    except BaseException:
        # Not back into the pool: what the next hop still computes must stop now.
        answer.close()
        raise


def _abort(request: web.Request, out: web.StreamResponse, error: Exception) -> web.StreamResponse:
    """End the client's connection in the middle of an answer that will not be whole."""
    transport = request.transport
    if transport is None or transport.is_closing():
        request[EXCHANGE].outcome = "client_gone"
    else:
        request[EXCHANGE].outcome = "upstream_idle" if isinstance(error, TimeoutError) else "upstream_broke"
        transport.abort()
    return out


def _refusal(error: Exception, source: RequestBody | None) -> RefusedError:
    """What a client reads of a request that failed before anything was answered."""
    if source is not None and source.refused is not None:
        return source.refused
    if isinstance(error, aiohttp.ClientError):
        connected = not isinstance(error, aiohttp.ClientConnectorError | aiohttp.ConnectionTimeoutError)
        return RefusedError(errors.UPSTREAM_FAILED, passed_on=connected)
    if source is not None and not source.complete:
        return RefusedError(errors.REQUEST_TIMEOUT)
    return RefusedError(errors.UPSTREAM_TIMEOUT)


def _onward(request: web.Request, upstream: Upstream, source: RequestBody | None) -> dict[str, str]:
    kept = {name: request.headers[name] for name in _PASSED_ON if name in request.headers}
    if source is not None and request.content_length is not None:
        kept["Content-Length"] = str(request.content_length)
    # No hop compresses: it would have to hold back what it packs.
    return {
        **kept,
        "Accept-Encoding": "identity",
        headers.REQUEST_ID: request[EXCHANGE].request_id,
        **upstream.headers,
    }
