"""What the API's handlers share: the caller's token, Cloudflare's envelope, the owner mark of what is created."""

import json
import secrets
from collections.abc import Awaitable, Callable, Mapping
from datetime import UTC, datetime
from typing import Any, Final

from aiohttp import web

from infra.local.cloudflare.cloud import Cloud
from infra.local.cloudflare.errors import ApiError, invalid
from infra.local.cloudflare.protocol import OWNER_FIELD, OWNER_HEADER
from infra.local.cloudflare.store import Record

API: Final = "/client/v4"
CLOUD: Final = web.AppKey("cloud", Cloud)

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


@web.middleware
async def envelope(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Errors in Cloudflare's form; nothing below `API` without a token."""
    try:
        if request.path.startswith(API):
            _require_token(request)
        return await handler(request)
    except ApiError as error:
        return failure(error)
    except web.HTTPNotFound:
        return failure(ApiError(404, 7003, f"the local API has no {request.method} {request.path}"))
    except web.HTTPMethodNotAllowed:
        return failure(ApiError(405, 10405, f"the local API has no {request.method} {request.path}"))
    except web.HTTPRequestEntityTooLarge:
        return failure(ApiError(413, 10413, "the request is too large"))


def failure(error: ApiError) -> web.Response:
    """An error's answer."""
    return _answer(error.status, success=False, errors=[{"code": error.code, "message": error.message}], result=None)


def success(result: Any, **more: Any) -> web.Response:
    """A result's answer; `more` goes beside `result` (`result_info`)."""
    return _answer(200, success=True, errors=[], result=result, **more)


def _answer(status: int, **body: Any) -> web.Response:
    return web.json_response({"messages": [], **body}, status=status)


async def body(request: web.Request, required: Mapping[str, type], optional: Mapping[str, Any] | None = None) -> Record:
    """The request's JSON object with `optional` defaults filled in. Raises `ApiError` naming what is wrong."""
    defaults = optional or {}
    try:
        given = await request.json()
    except json.JSONDecodeError:
        raise invalid("the request's body is not JSON", 6007) from None
    if not isinstance(given, dict):
        raise invalid("the request's body must be a JSON object", 6007)
    for field, kind in required.items():
        if not isinstance(given.get(field), kind):
            raise invalid(f"{field}: must be given, as {kind.__name__}", 1004)
    if unknown := sorted(set(given) - set(required) - set(defaults)):
        raise invalid(f"{', '.join(unknown)}: not supported by the local API", 1004)
    return {**defaults, **given}


def new_record(request: web.Request, fields: Mapping[str, Any]) -> Record:
    """A record with an id and its creator's mark."""
    record: Record = {"id": secrets.token_hex(16), **fields}
    if owner := request.headers.get(OWNER_HEADER):
        record[OWNER_FIELD] = owner
    return record


def now() -> str:
    """The time as the API writes it."""
    return datetime.now(UTC).isoformat().replace("+00:00", "Z")


def _require_token(request: web.Request) -> None:
    scheme, _, token = request.headers.get("Authorization", "").partition(" ")
    if scheme != "Bearer" or not token.strip():
        raise ApiError(401, 10000, "Authentication error: send `Authorization: Bearer <API token>`")
