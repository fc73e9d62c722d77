"""A request's body as it arrives, never more of it than the limit."""

import asyncio
from collections.abc import AsyncIterator, Callable
from functools import partial

from aiohttp import web
from aiohttp.http_exceptions import HttpProcessingError

from runtime.contract import errors, limits
from runtime.http.answers import RefusedError
from runtime.http.deadline import extend


class RequestBody:
    """Passes a request's body on chunk by chunk.

    `touch` is called for every chunk and at the end, so that a deadline counts from the last progress. A body over the
    limit raises RefusedError(TOO_LARGE) at once if it says its size, else where it crosses the limit; one that is not
    what HTTP calls a body raises RefusedError(INVALID_REQUEST). `refused` keeps that error, for those between which
    only see that the body broke off. `complete` says that all of it was read.
    """

    def __init__(self, request: web.Request, touch: Callable[[], None]) -> None:
        if request.headers.get("Content-Encoding", "identity") != "identity":
            raise RefusedError(errors.INVALID_REQUEST, "A compressed request body is not supported.")
        if request.content_length is not None and request.content_length > limits.BODY_BYTES:
            raise RefusedError(errors.TOO_LARGE)
        self._content = request.content
        self._touch = touch
        self.complete = False
        self.refused: RefusedError | None = None

    async def __aiter__(self) -> AsyncIterator[bytes]:
        size = 0
        try:
            async for chunk in self._content.iter_any():
                size += len(chunk)
                if size > limits.BODY_BYTES:
                    self.refused = RefusedError(errors.TOO_LARGE)
                    raise self.refused
                self._touch()
                yield chunk
        except (web.RequestPayloadError, HttpProcessingError):
            self.refused = RefusedError(errors.INVALID_REQUEST, "The request body is not framed as HTTP wants it.")
            raise self.refused from None
        self.complete = True
        self._touch()


async def read_body(request: web.Request) -> bytes:
    """All of a request's body. Raises RefusedError if it is too large, or stops arriving."""
    try:
        async with asyncio.timeout(limits.REQUEST_S), asyncio.timeout(limits.FIRST_BYTE_S) as deadline:
            body = RequestBody(request, partial(extend, deadline, limits.FIRST_BYTE_S))
            return b"".join([chunk async for chunk in body])
    except TimeoutError:
        raise RefusedError(errors.REQUEST_TIMEOUT) from None
