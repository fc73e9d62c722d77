"""A request's way to OpenClaw, and the answer's way back."""

import asyncio
import io
import json
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any

import aiohttp
from aiohttp import web
from yarl import URL

from runtime.agent.door.events import EVENT_BYTES, BrokenStreamError, Retelling, Splitter, parse
from runtime.agent.door.patience import Patience, patience
from runtime.contract import errors, headers, limits
from runtime.http.answers import EXCHANGE, RefusedError

RETRY_AFTER_S = 5
_LAST_WORDS_S = 2
"""Seconds a client gets to take the event that ends a broken stream."""
_STREAM = "text/event-stream"
_BUSY = (429, 503)
_CLIENTS_FAULT = {400: errors.INVALID_REQUEST, 413: errors.TOO_LARGE}
_TOO_SLOW = (408, 504)


@dataclass(frozen=True)
class Question:
    """What OpenClaw is asked: where, with which headers, which body; `streamed` says how it is to answer."""

    url: URL
    headers: Mapping[str, str]
    body: Mapping[str, Any]
    streamed: bool


class Telling:
    """One answer on its way to the client.

    `head` is what it says of the receipts so far; `heard` is called for each piece of it that comes.
    """

    def __init__(self, request: web.Request, retelling: Retelling, head: str, heard: Callable[[], None]) -> None:
        self._request = request
        self._exchange = request[EXCHANGE]
        self._retelling = retelling
        self._head = head
        self._heard = heard
        self._out = web.StreamResponse()

    async def ask(
        self, session: aiohttp.ClientSession, question: Question, whole_s: float, cutting: asyncio.Event
    ) -> web.StreamResponse:
        """Ask, and tell the client what is answered, each event as it comes, for `whole_s` seconds at most.

        Cancelling this closes the connection to OpenClaw, which then ends its work. Raises RefusedError as long as
        nothing was answered; a stream that breaks later ends with an error event.
        """
        kind = errors.UPSTREAM_FAILED
        try:
            async with patience(cutting, limits.FIRST_BYTE_S, whole_s) as left:
                return await self._ask(session, question, left)
        except TimeoutError:
            kind = left.reason
        except BrokenStreamError as broken:
            kind = broken.kind
        except aiohttp.ClientError:
            pass
        if not self._out.prepared:
            raise RefusedError(kind, retry_after=RETRY_AFTER_S if kind.status == errors.NOT_READY.status else None)
        return await self._break_off(kind)

    async def _ask(self, session: aiohttp.ClientSession, question: Question, left: Patience) -> web.StreamResponse:
        data = io.BytesIO(json.dumps(question.body).encode())
        async with session.post(question.url, data=data, headers=question.headers, allow_redirects=False) as answer:
            if answer.status != HTTPStatus.OK:
                raise BrokenStreamError(kind_of_status(answer.status))
            if question.streamed != (answer.content_type == _STREAM):
                raise BrokenStreamError(errors.UPSTREAM_FAILED)
            left.extend(limits.IDLE_S)
            return await (self._stream if question.streamed else self._tell_whole)(answer.content, left)

    async def _tell_whole(self, content: aiohttp.StreamReader, left: Patience) -> web.StreamResponse:
        whole = bytearray()
        async for chunk in content.iter_any():
            whole += chunk
            self._heard()
            left.extend(limits.IDLE_S)
            if len(whole) > EVENT_BYTES:
                raise BrokenStreamError(errors.UPSTREAM_FAILED)
        said = self._retelling.answer(parse(bytes(whole)))
        if self._retelling.failure is not None:
            raise BrokenStreamError(self._retelling.failure)
        self._exchange.note_first_byte()
        usage = str(self._retelling.usage)
        return web.json_response(said, headers={**self._headers(), **({headers.USAGE: usage} if usage else {})})

    async def _stream(self, content: aiohttp.StreamReader, left: Patience) -> web.StreamResponse:
        self._out.content_type = _STREAM
        self._out.headers.update({**self._headers(), "Cache-Control": "no-cache"})
        await self._out.prepare(self._request)
        self._exchange.note_first_byte()
        splitter = Splitter()
        async for chunk in content.iter_any():
            self._heard()
            await self._write(splitter.feed(chunk))
            if self._retelling.done:
                break
            left.extend(limits.IDLE_S)
        if not self._retelling.done:
            raise BrokenStreamError(errors.UPSTREAM_FAILED)
        if self._retelling.failure is not None:
            self._exchange.outcome = self._retelling.failure.code
        await self._out.write_eof()
        return self._out

    async def _write(self, events: Iterable[bytes]) -> None:
        """Tell all of them in one go, and those before a broken one all the same."""
        told = bytearray()
        broken: BrokenStreamError | None = None
        try:
            for event in events:
                told += self._retelling.event(event) or b""
        except BrokenStreamError as error:
            broken = error
        if told:
            await self._out.write(bytes(told))
        if broken is not None:
            raise broken

    async def _break_off(self, kind: errors.ErrorKind) -> web.StreamResponse:
        """End a stream that will not be whole, so that the client sees that."""
        transport = self._request.transport
        if transport is None or transport.is_closing():
            self._exchange.outcome = "client_gone"
            return self._out
        self._exchange.outcome = kind.code
        try:
            async with asyncio.timeout(_LAST_WORDS_S):
                await self._out.write(self._retelling.last_words(kind))
                await self._out.write_eof()
        except (aiohttp.ClientError, TimeoutError):
            # It takes nothing any more.
            self._exchange.outcome = "client_gone"
            transport.abort()
        return self._out

    def _headers(self) -> dict[str, str]:
        return {headers.REQUEST_ID: self._exchange.request_id, headers.RECEIPT: self._head}


def kind_of_status(status: int) -> errors.ErrorKind:
    """The contract's error for a status of OpenClaw's. That it refuses our token is no client's business."""
    if status in _CLIENTS_FAULT:
        return _CLIENTS_FAULT[status]
    if status in _BUSY:
        return errors.NOT_READY
    return errors.UPSTREAM_TIMEOUT if status in _TOO_SLOW else errors.UPSTREAM_FAILED
