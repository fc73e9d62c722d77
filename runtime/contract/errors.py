"""Errors as clients see them: OpenAI's error object, so that its SDKs raise the exception their users expect."""

from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class ErrorKind:
    """One way a request can fail.

    `status` is the HTTP status, `type` and `code` the fields of OpenAI's error object, `message` what the client reads.
    """

    status: int
    type: str
    code: str
    message: str


INVALID_REQUEST = ErrorKind(400, "invalid_request_error", "invalid_request", "The request is not valid.")
INVALID_KEY = ErrorKind(401, "invalid_request_error", "invalid_api_key", "The API key is missing or not valid.")
INVALID_TOKEN = ErrorKind(401, "invalid_request_error", "invalid_edge_token", "The edge token is missing or not valid.")
FORBIDDEN = ErrorKind(403, "invalid_request_error", "forbidden", "These credentials are not for this.")
INVALID_SIGNATURE = ErrorKind(
    401,
    "invalid_request_error",
    "invalid_signature",
    "There is no such hook, or the delivery's signature is not valid.",
)
NOT_FOUND = ErrorKind(404, "invalid_request_error", "not_found", "There is nothing at this path.")
AGENT_NOT_FOUND = ErrorKind(404, "invalid_request_error", "model_not_found", "There is no such agent for this key.")
METHOD_NOT_ALLOWED = ErrorKind(405, "invalid_request_error", "method_not_allowed", "This method is not supported here.")
REQUEST_TIMEOUT = ErrorKind(408, "invalid_request_error", "request_timeout", "The request body did not arrive in time.")
REPLAYED = ErrorKind(409, "invalid_request_error", "delivery_replayed", "This delivery has been taken already.")
TOO_LARGE = ErrorKind(413, "invalid_request_error", "request_too_large", "The request body is too large.")
RATE_LIMITED = ErrorKind(429, "requests", "rate_limit_exceeded", "Too many requests. Ask again later.")
OUTBOX_FULL = ErrorKind(429, "requests", "deliveries_waiting", "Too many answers of this hook wait for their receiver.")
QUOTA_EXCEEDED = ErrorKind(429, "insufficient_quota", "insufficient_quota", "This month's quota is used up.")
CHAT_CUT = ErrorKind(500, "server_error", "chat_cut", "The chat was cut short on our side, and was not begun again.")
INTERNAL = ErrorKind(500, "server_error", "internal_error", "The request failed on our side.")
UPSTREAM_FAILED = ErrorKind(502, "server_error", "upstream_failed", "The agent could not be reached.")
KEYS_UNAVAILABLE = ErrorKind(
    503, "server_error", "signing_keys_unavailable", "The token cannot be checked now. Ask again."
)
LIMITER_DOWN = ErrorKind(503, "server_error", "quota_unknown", "What is left of the quota is not known now. Ask again.")
NOT_READY = ErrorKind(503, "server_error", "agent_not_ready", "The agent is not ready yet.")
STOPPING = ErrorKind(503, "server_error", "agent_stopping", "The agent is being stopped. Ask again.")
UPSTREAM_TIMEOUT = ErrorKind(504, "server_error", "upstream_timeout", "The agent did not answer in time.")

KINDS = (
    INVALID_REQUEST,
    INVALID_KEY,
    INVALID_TOKEN,
    FORBIDDEN,
    INVALID_SIGNATURE,
    NOT_FOUND,
    AGENT_NOT_FOUND,
    METHOD_NOT_ALLOWED,
    REQUEST_TIMEOUT,
    REPLAYED,
    TOO_LARGE,
    RATE_LIMITED,
    OUTBOX_FULL,
    QUOTA_EXCEEDED,
    CHAT_CUT,
    INTERNAL,
    UPSTREAM_FAILED,
    KEYS_UNAVAILABLE,
    LIMITER_DOWN,
    NOT_READY,
    STOPPING,
    UPSTREAM_TIMEOUT,
)


def body(kind: ErrorKind, message: str | None = None, param: str | None = None) -> dict[str, Any]:
    """The JSON body of an error response."""
    return {"error": {"message": message or kind.message, "type": kind.type, "param": param, "code": kind.code}}
