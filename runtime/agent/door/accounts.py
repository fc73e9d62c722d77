"""What is written down of each request at its end: a receipt and a measurement."""

import logging
import time
from dataclasses import dataclass, field
from typing import Protocol

from aiohttp import web

from runtime.agent.door.events import Usage
from runtime.contract import errors
from runtime.http.answers import EXCHANGE, Exchange, Handler
from runtime.http.log import event
from runtime.receipts import Entry, Outcome, ReceiptError

_log = logging.getLogger("door")

_OUTCOMES = {
    "ok": Outcome.COMPLETED,
    "client_gone": Outcome.CANCELED,
    errors.STOPPING.code: Outcome.CUT,
    errors.UPSTREAM_TIMEOUT.code: Outcome.TIMED_OUT,
    errors.INVALID_REQUEST.code: Outcome.REFUSED,
    errors.TOO_LARGE.code: Outcome.REFUSED,
}
"""All others failed on our side."""


class Book(Protocol):
    """Where receipts are kept."""

    @property
    def head(self) -> str:
        """Hash of the newest receipt, in hex."""

    def append(self, entry: Entry) -> str:
        """Write one; its hash. Raises ReceiptError."""


class Metrics(Protocol):
    """Where requests are counted."""

    def request(
        self,
        path: str,
        outcome: str,
        first_byte_s: float | None,
        duration_s: float,
        tokens_in: int | None,
        tokens_out: int | None,
    ) -> None:
        """A request has ended; None is what it never came to."""


@dataclass
class Admitted:
    """A request that was let in, and what is to be said of it at its end."""

    key: str
    path: str
    usage: Usage = field(default_factory=Usage)


ADMITTED = web.RequestKey("admitted", Admitted)


class Accounts:
    """Accounts for requests: every one is measured, every admitted one gets a receipt."""

    def __init__(self, book: Book, metrics: Metrics, model: str, model_digest: str) -> None:
        self._book = book
        self._metrics = metrics
        self._model = model
        self._model_digest = model_digest

    @property
    def head(self) -> str:
        """Hash of the newest receipt."""
        return self._book.head

    @web.middleware
    async def account(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        """Whatever ends a request, it is written down once."""
        try:
            return await handler(request)
        finally:
            self._close(request)

    def _close(self, request: web.Request) -> None:
        exchange, admitted = request[EXCHANGE], request.get(ADMITTED)
        duration_s = time.perf_counter() - exchange.started
        first_byte_s = None if exchange.first_byte is None else exchange.first_byte - exchange.started
        usage = Usage() if admitted is None else admitted.usage
        self._metrics.request(
            request.path if admitted is None else admitted.path,
            exchange.outcome,
            first_byte_s,
            duration_s,
            usage.tokens_in,
            usage.tokens_out,
        )
        if admitted is not None:
            self._append(request.method, exchange, admitted, round(duration_s * 1000))

    def _append(self, method: str, exchange: Exchange, admitted: Admitted, duration_ms: int) -> None:
        entry = Entry(
            id=exchange.request_id,
            key=admitted.key,
            method=method,
            path=admitted.path,
            model=self._model,
            model_digest=self._model_digest,
            tokens_in=admitted.usage.tokens_in,
            tokens_out=admitted.usage.tokens_out,
            duration_ms=duration_ms,
            outcome=_OUTCOMES.get(exchange.outcome, Outcome.FAILED),
        )
        try:
            self._book.append(entry)
        except ReceiptError as error:
            # The answer is out; that its receipt is missing must at least be said.
            event(_log, logging.ERROR, "receipt not written", request_id=exchange.request_id, reason=str(error))
