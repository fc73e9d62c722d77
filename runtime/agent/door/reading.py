"""A request's body as JSON, judged before anything else looks at it."""

import json
import re
import unicodedata
from collections.abc import Iterator
from typing import Any, NoReturn

from runtime.contract import errors
from runtime.http.answers import RefusedError

MAX_DEPTH = 64
"""Deepest nesting of a body."""

_OTHERS_WORDS = ("parameters", "schema")
"""Under these keys stands a JSON schema: its keys are the client's own words for the model, and no program of the pod
reads them. A tool that takes a `gateway_url` of somebody's payments is nobody's attack."""
_NOT_A_LETTER = re.compile(r"[^a-z0-9]")


def read_object(body: bytes) -> dict[str, Any]:
    """The JSON object in `body`. Raises RefusedError if there is none, or if it names a gateway to connect to."""
    try:
        wish = json.loads(body, parse_constant=_refuse_constant)
    except (ValueError, RecursionError):
        raise RefusedError(errors.INVALID_REQUEST, "The request body is not valid JSON.") from None
    if not isinstance(wish, dict):
        raise RefusedError(errors.INVALID_REQUEST, "The request body must be a JSON object.")
    for depth, key in _keys(wish):
        if depth > MAX_DEPTH:
            raise RefusedError(errors.INVALID_REQUEST, f"The request body is nested deeper than {MAX_DEPTH} levels.")
        if key is not None and names_a_gateway(key):
            raise RefusedError(errors.INVALID_REQUEST, "The request names a gateway to connect to.", param="gatewayUrl")
    return wish


def names_a_gateway(key: str) -> bool:
    """Is this OpenClaw's `gatewayUrl`, in whatever spelling?"""
    return _NOT_A_LETTER.sub("", unicodedata.normalize("NFKC", key).casefold()) == "gatewayurl"


def _keys(wish: dict[str, Any]) -> Iterator[tuple[int, str | None]]:
    """The depth of everything in there, with its key where it is judged by it."""
    waiting: list[tuple[int, bool, Any]] = [(1, True, wish)]
    while waiting:
        depth, judged, value = waiting.pop()
        yield depth, None
        if isinstance(value, dict):
            for key, inner in value.items():
                yield depth, key if judged else None
                waiting.append((depth + 1, judged and key not in _OTHERS_WORDS, inner))
        elif isinstance(value, list):
            waiting.extend((depth + 1, judged, inner) for inner in value)


def _refuse_constant(name: str) -> NoReturn:
    raise ValueError(name)
