"""What the platform never answers, refused before the Worker is run: the zone's custom rules.

They look at method, path, query, headers and size, never into a body: a prompt may speak of anything. Where the Worker
would refuse the same, the answer is the same: OpenAI's error object, so that an SDK raises what its user expects.
"""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from components.edge.rules import (
    Condition,
    all_of,
    any_of,
    expression,
    header,
    number,
    text,
    texts,
    truth,
)
from components.edge.zone_spec import ZoneSpec
from runtime.contract import errors, headers, limits, paths
from runtime.contract.errors import ErrorKind

UNAUTHORIZED = errors.INVALID_KEY.status
TOO_MANY = ErrorKind(429, "requests", "rate_limit_exceeded", "Too many requests from this address. Wait a while.")

METHODS = ("GET", "HEAD", "OPTIONS", "POST")
API = "/v1/"
HOOKS = f"{paths.HOOKS}/"
"""Webhooks: their senders choose the content type; the signature is over the bytes."""
LONGEST_URI = 2048
"""Bytes of path and query; no address of ours comes near."""
OWN_HEADERS = (headers.EDGE_TOKEN, headers.NOT_PASSED_ON, headers.RECEIPT, headers.USAGE)
"""What the platform tells itself; from a client it is a lie."""

_ENCODED = ("%00", "%0a", "%0d", "%1b", "%25", "%2e", "%5c")
"""Ends of text, line breaks, an escape, and what would be a dot, a percent sign or a backslash at the next decoding."""
NO_PATH = ("..", "//", ";", "\\", *_ENCODED)
NO_QUERY = (
    "$", "'", "(", "..", "://", ";", "<", "\\", "`", "class.", "constructor", "{", "|",
    "%22", "%24", "%27", "%28", "%2e", "%2f%2f", "%3a%2f", "%3b", "%3c", "%5b%24", "%60", "%7b", "%7c", "__proto__",
    "%00", "%0a", "%0d", "%1b", "%25", "%5c", "api_key=", "apikey=", "access_token=", "key=mg_",
)  # fmt: skip
"""No query of ours needs these: its values are numbers and names. The last ones are keys, which end in other logs."""
NO_HEADER = ("${", "() {", "%{(", "#{", "%0d%0a")
"""Look-ups of loggers and template engines, and what would start another header once decoded."""

_AUTOMATED = 30
"""Bot scores below it are likely or surely programs: https://developers.cloudflare.com/bots/concepts/bot-score/"""


@dataclass(frozen=True)
class Rule:
    """One refusal: its lasting name, why, whom it meets, and what is answered; no answer is a challenge."""

    ref: str
    description: str
    condition: Condition
    answer: ErrorKind | None

    def body(self) -> dict[str, Any]:
        """The rule as the API takes it, with everything the API would otherwise fill in. Raises RuleError."""
        rule: dict[str, Any] = {
            "ref": self.ref,
            "description": self.description,
            "enabled": True,
            "expression": expression(self.condition),
            "action": "block" if self.answer else "managed_challenge",
        }
        return {**rule, "action_parameters": _response(self.answer)} if self.answer else rule


def build_refusals(spec: ZoneSpec) -> list[Rule]:
    """The custom rules, in the order they are asked. The first that matches answers."""
    return [*_origins(spec), *_api(spec), *_console(spec)]


def _origins(spec: ZoneSpec) -> Iterator[Rule]:
    """The tunnels' names lead past the Worker, so only a Worker of this zone may use them."""
    if spec.origins:
        outside = text("cf.worker.upstream_zone").ne(spec.zone)
        condition = all_of(text("http.host").is_in(*spec.origins), outside)
        yield Rule("origin-worker-only", "A region is reached through the Worker alone.", condition, errors.NOT_FOUND)


def _api(spec: ZoneSpec) -> Iterator[Rule]:
    host = text("http.host").eq(spec.hostname)
    path, query = text("http.request.uri.path"), text("http.request.uri.query")
    posted = text("http.request.method").eq("POST")
    json_body = header("content-type").lower().contains("application/json").any()
    for ref, description, condition, answer in (
        (
            "api-method",
            "The API has no other methods.",
            ~text("http.request.method").is_in(*METHODS),
            errors.METHOD_NOT_ALLOWED,
        ),
        ("api-uri-size", "No address is so long.", text("http.request.uri").length().gt(LONGEST_URI), _TOO_LONG),
        ("api-path-form", "A path that says one thing and means another.", _holds(path, NO_PATH), errors.NOT_FOUND),
        ("api-path", "The API is all there is.", ~path.starts_with(API), errors.NOT_FOUND),
        ("api-query", "Queries hold numbers and names.", _holds(query, NO_QUERY), _BAD_QUERY),
        (
            "api-own-headers",
            "What the platform alone tells itself.",
            texts("http.request.headers.names").lower().is_in(*OWN_HEADERS).any(),
            _BAD_HEADER,
        ),
        (
            "api-header-form",
            "Headers that are programs.",
            any_of(*(texts("http.request.headers.values").contains(part).any() for part in NO_HEADER)),
            _BAD_HEADER,
        ),
        (
            "api-size",
            "Larger than any hop takes.",
            number("http.request.body.size").gt(limits.BODY_BYTES),
            errors.TOO_LARGE,
        ),
        (
            "api-content-type",
            "Requests are JSON; a form or a file is not meant for us.",
            all_of(posted, ~path.starts_with(HOOKS), ~json_body),
            _NO_JSON,
        ),
    ):
        yield Rule(ref, description, all_of(host, condition), answer)


def _console(spec: ZoneSpec) -> Iterator[Rule]:
    """People use the console; Access asks who they are, after this."""
    if spec.console:
        automated = number("cf.bot_management.score").lt(_AUTOMATED)
        condition = all_of(text("http.host").eq(spec.console), automated, ~truth("cf.bot_management.verified_bot"))
        yield Rule("console-bots", "Programs have no business at the console.", condition, None)


def _holds(value: Any, parts: tuple[str, ...]) -> Condition:
    found: Condition = value.lower().contains_one_of(*parts)
    return found


def _response(kind: ErrorKind) -> dict[str, Any]:
    content = json.dumps(errors.body(kind), sort_keys=True, separators=(",", ":"))
    return {"response": {"status_code": kind.status, "content_type": "application/json", "content": content}}


def _invalid(status: int, message: str) -> ErrorKind:
    return ErrorKind(status, errors.INVALID_REQUEST.type, errors.INVALID_REQUEST.code, message)


_TOO_LONG = _invalid(414, "The address of the request is too long.")
_BAD_QUERY = _invalid(400, "The query holds what no query of this API needs.")
_BAD_HEADER = _invalid(400, "A header of the request is not one this API takes.")
_NO_JSON = _invalid(415, "The request body must be JSON: send `content-type: application/json`.")
