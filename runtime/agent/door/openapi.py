"""The door's own description: OpenAPI 3.1, made of the same models that judge requests."""

from collections.abc import Iterable
from typing import Any

from pydantic.json_schema import models_json_schema

from runtime.agent.door.asking import ChatWish, ResponsesWish
from runtime.contract import errors, headers, limits, paths

_SCHEMAS = "#/components/schemas/"
_TOKEN = "edgeToken"  # noqa: S105  # the scheme's name

_EVENT = {
    "description": "One event of a stream; what it says is JSON, but for `[DONE]`.",
    "type": "object",
    "required": ["data"],
    "properties": {"event": {"type": "string"}, "data": {"type": "string"}},
}
_ASKED = (
    errors.INVALID_REQUEST,
    errors.INVALID_TOKEN,
    errors.REQUEST_TIMEOUT,
    errors.TOO_LARGE,
    errors.INTERNAL,
    errors.UPSTREAM_FAILED,
    errors.NOT_READY,
    errors.STOPPING,
    errors.UPSTREAM_TIMEOUT,
)
"""How a question to the agent can fail."""
_LISTED = (errors.INVALID_REQUEST, errors.INVALID_TOKEN, errors.INTERNAL)
ELSEWHERE = (errors.INVALID_REQUEST, errors.NOT_FOUND, errors.METHOD_NOT_ALLOWED)
"""How everything that is none of the operations fails."""


def document() -> dict[str, Any]:
    """The document, for one agent's door."""
    (chat, responses), schemas = _schemas()
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "An agent's door",
            "version": "1",
            "description": (
                f"Bodies hold {limits.BODY_BYTES} bytes at most. A request may take {limits.REQUEST_S} seconds in all, "
                f"its answer may begin after {limits.FIRST_BYTE_S} and stay silent for {limits.IDLE_S}. A stream that "
                "is not whole ends with an event that holds an error instead of `[DONE]` or `response.completed`."
            ),
        },
        "paths": {
            paths.CHAT_COMPLETIONS: {"post": _question("Chat completions", chat, "chat.completion")},
            paths.RESPONSES: {"post": _question("Responses", responses, "response")},
            paths.MODELS: {"get": _operation("The agent, as clients name it", _answer("list"), _LISTED)},
        },
        "components": {
            "schemas": schemas,
            "securitySchemes": {_TOKEN: {"type": "apiKey", "in": "header", "name": headers.EDGE_TOKEN}},
        },
    }


def _schemas() -> tuple[tuple[dict[str, Any], dict[str, Any]], dict[str, Any]]:
    """What the two bodies are, and everything they are made of."""
    of, definitions = models_json_schema(
        [(ChatWish, "validation"), (ResponsesWish, "validation")], ref_template=_SCHEMAS + "{model}"
    )
    return (of[ChatWish, "validation"], of[ResponsesWish, "validation"]), definitions["$defs"]


def _question(summary: str, body: dict[str, Any], kind: str) -> dict[str, Any]:
    answer = _answer(kind)
    answer["content"]["text/event-stream"] = {"schema": _EVENT}
    return {
        **_operation(summary, answer, _ASKED),
        "requestBody": {"required": True, "content": {"application/json": {"schema": body}}},
    }


def _operation(summary: str, answer: dict[str, Any], kinds: Iterable[errors.ErrorKind]) -> dict[str, Any]:
    by_status: dict[str, list[str]] = {}
    for kind in kinds:
        by_status.setdefault(str(kind.status), []).append(kind.code)
    return {
        "summary": summary,
        "security": [{_TOKEN: []}],
        "responses": {"200": answer, **{status: _error(codes) for status, codes in by_status.items()}},
    }


def _answer(kind: str) -> dict[str, Any]:
    said = {"type": "object", "required": ["object"], "properties": {"object": {"const": kind}}}
    return {
        "description": "The answer.",
        "headers": {
            headers.REQUEST_ID: {"required": True, "schema": {"type": "string"}},
            headers.RECEIPT: {"required": True, "schema": {"type": "string", "pattern": "^[0-9a-f]{64}$"}},
            headers.USAGE: {"required": False, "schema": {"type": "string", "pattern": "^[0-9]+ [0-9]+$"}},
        },
        "content": {"application/json": {"schema": said}},
    }


def _error(codes: list[str]) -> dict[str, Any]:
    texts = {
        name: {"type": ["string", "null"] if name == "param" else "string"} for name in ("message", "type", "param")
    }
    error = {
        "type": "object",
        "required": ["message", "type", "param", "code"],
        "properties": {**texts, "code": {"enum": codes}},
        "additionalProperties": False,
    }
    return {
        "description": "An error, as OpenAI's clients know it.",
        "headers": {headers.REQUEST_ID: {"required": True, "schema": {"type": "string"}}},
        "content": {
            "application/json": {"schema": {"type": "object", "required": ["error"], "properties": {"error": error}}}
        },
    }
