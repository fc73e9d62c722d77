"""How requests end: an id for each, errors in OpenAI's shape, one line in the log."""

import asyncio
import logging
import re
import time
import uuid
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field

from aiohttp import web

from runtime.contract import errors, headers
from runtime.http.lifecycle import LIFECYCLE
from runtime.http.log import event

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]

_log = logging.getLogger("request")
_REQUEST_ID = re.compile(r"[A-Za-z0-9._:-]{1,128}")


class RefusedError(Exception):
    """A request that ends with an error of the contract.

    `retry_after` is in seconds, `param` the field of the request's body that was wrong. `passed_on` is False where
    nothing of the request can have gone on to the next hop; the answer says so then.
    """

    def __init__(
        self,
        kind: errors.ErrorKind,
        message: str | None = None,
        retry_after: int | None = None,
        param: str | None = None,
        *,
        passed_on: bool = True,
    ) -> None:
        super().__init__(kind.code)
        self.kind = kind
        self.message = message
        self.retry_after = retry_after
        self.param = param
        self.passed_on = passed_on


@dataclass
class Exchange:
    """One request on its way, and what its line in the log will say.

    `outcome` is `ok`, an error's code, or what cut the answer short; `fields` names the tenant, the agent and the key.
    """

    request_id: str
    started: float = field(default_factory=time.perf_counter)
    first_byte: float | None = None
    status: int = 0
    outcome: str = "ok"
    fields: dict[str, str] = field(default_factory=dict)

    def note_first_byte(self) -> None:
        """The first byte of the answer is on its way."""
        self.first_byte = time.perf_counter()


EXCHANGE = web.RequestKey("exchange", Exchange)
PROBES = web.AppKey("probes", frozenset[str])
"""Paths asked all the time, which get no line in the log."""


@web.middleware
async def answer(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Give every request but a probe an id, an answer in the contract's shape and a line in the log."""
    if request.path in request.app.get(PROBES, ()):
        return await handler(request)
    exchange = request[EXCHANGE] = Exchange(_request_id(request))
    with request.app[LIFECYCLE]:
        try:
            response = await _attempt(request, handler, exchange)
            exchange.status = response.status
            return response
        except asyncio.CancelledError:
            exchange.outcome = "client_gone"
            raise
        finally:
            _write_line(request, exchange)


async def _attempt(request: web.Request, handler: Handler, exchange: Exchange) -> web.StreamResponse:
    try:
        return await handler(request)
    except RefusedError as refused:
        return _refusal(exchange, refused)
    except web.HTTPNotFound:
        return _refusal(exchange, RefusedError(errors.NOT_FOUND))
    except web.HTTPMethodNotAllowed as refused:
        response = _refusal(exchange, RefusedError(errors.METHOD_NOT_ALLOWED))
        response.headers["Allow"] = refused.headers["Allow"]
        return response
    except Exception:
        _log.exception("unexpected", extra={"fields": {"request_id": exchange.request_id}})
        return _refusal(exchange, RefusedError(errors.INTERNAL))


def _refusal(exchange: Exchange, refused: RefusedError) -> web.Response:
    exchange.outcome = refused.kind.code
    response = web.json_response(errors.body(refused.kind, refused.message, refused.param), status=refused.kind.status)
    response.headers[headers.REQUEST_ID] = exchange.request_id
    if refused.retry_after is not None:
        response.headers["Retry-After"] = str(refused.retry_after)
    if not refused.passed_on:
        response.headers[headers.NOT_PASSED_ON] = "1"
    return response


def _request_id(request: web.Request) -> str:
    given = request.headers.get(headers.REQUEST_ID, "")
    return given if _REQUEST_ID.fullmatch(given) else uuid.uuid4().hex


def _write_line(request: web.Request, exchange: Exchange) -> None:
    now = time.perf_counter()
    first = None if exchange.first_byte is None else round((exchange.first_byte - exchange.started) * 1000, 1)
    event(
        _log,
        logging.INFO,
        "request",
        request_id=exchange.request_id,
        method=request.method,
        status=exchange.status,
        outcome=exchange.outcome,
        first_byte_ms=first,
        duration_ms=round((now - exchange.started) * 1000, 1),
        **exchange.fields,
    )
