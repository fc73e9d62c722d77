"""What is no HTTP, or fails before any handler, answered in the contract's shape too."""

import logging
import uuid

from aiohttp import web
from aiohttp.http import RawRequestMessage
from aiohttp.http_exceptions import HttpProcessingError

from runtime.contract import errors, headers
from runtime.http.log import event

_log = logging.getLogger("request")


class Runner(web.AppRunner):
    """Serves an application; all it answers but what the application writes itself is an error of the contract."""

    async def _make_server(self) -> web.Server:
        server = await super()._make_server()
        answer = server.request_handler

        async def answer_in_shape(request: web.BaseRequest) -> web.StreamResponse:
            try:
                return await answer(request)
            except web.HTTPException:
                # Of what comes before any handler, only an expectation nobody can meet ends so.
                return _refusal(errors.INVALID_REQUEST, None, uuid.uuid4().hex)

        return _Server(
            answer_in_shape,
            request_factory=server.request_factory,
            handler_cancellation=server.handler_cancellation,
            **server._kwargs,
        )


class _Server(web.Server):
    def __call__(self) -> web.RequestHandler:
        return _Protocol(self, loop=self._loop, **self._kwargs)


class _Protocol(web.RequestHandler):
    """One connection."""

    def data_received(self, data: bytes) -> None:
        """Bytes came. If they are no HTTP, a request that waits for its body learns it now, not at its timeout."""
        super().data_received(data)
        request = self._current_request
        broken = self._messages and not isinstance(self._messages[-1][0], RawRequestMessage)
        if broken and request is not None and not request.content.is_eof():
            request.content.set_exception(web.RequestPayloadError())

    def handle_error(
        self,
        request: web.BaseRequest,
        status: int = 500,  # noqa: ARG002  # what went wrong says more
        exc: BaseException | None = None,
        message: str | None = None,  # noqa: ARG002  # it quotes what was sent
    ) -> web.StreamResponse:
        """The last answer on this connection. Nothing of what was sent gets into it, or into a log.

        Raises ConnectionError when an answer has already begun.
        """
        malformed = isinstance(exc, HttpProcessingError)
        kind = errors.INVALID_REQUEST if malformed else errors.INTERNAL
        request_id = uuid.uuid4().hex
        event(
            _log,
            logging.INFO if malformed else logging.ERROR,
            "malformed request" if malformed else "unexpected",
            request_id=request_id,
            status=kind.status,
            error=type(exc).__name__,
        )
        if request.writer.output_size > 0:
            raise ConnectionError("an answer has begun")
        return _refusal(kind, "The request is not valid HTTP." if malformed else None, request_id)


def _refusal(kind: errors.ErrorKind, message: str | None, request_id: str) -> web.Response:
    """An error after which the connection ends."""
    response = web.json_response(errors.body(kind, message), status=kind.status)
    response.headers[headers.REQUEST_ID] = request_id
    response.force_close()
    return response
