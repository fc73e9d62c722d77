"""The fields our rules ask for, each by its type. Any other is an error here, before the API could refuse it.

https://developers.cloudflare.com/ruleset-engine/rules-language/fields/reference/
"""

import re

from components.edge.rules.conditions import Addresses, Condition, EachText, Number, RuleError, Text

FIELDS: dict[str, str] = {
    "cf.bot_management.score": "number",
    "cf.bot_management.verified_bot": "truth",
    "cf.worker.upstream_zone": "text",
    "http.host": "text",
    "http.request.body.size": "number",
    "http.request.headers": "map",
    "http.request.headers.names": "texts",
    "http.request.headers.values": "texts",
    "http.request.method": "text",
    "http.request.uri": "text",
    "http.request.uri.path": "text",
    "http.request.uri.query": "text",
    "http.response.code": "number",
    "ip.src": "address",
    "ssl": "truth",
}
"""Field -> what it is. `http.response.code` is known in a counting expression alone."""

_HEADER = re.compile(r"[a-z0-9][-a-z0-9]*")


def text(name: str) -> Text:
    """A field that is a text. Raises RuleError where there is none of that name."""
    return Text(_field(name, "text"))


def texts(name: str) -> EachText:
    """A field that is several texts. Raises RuleError where there is none of that name."""
    return EachText(f"{_field(name, 'texts')}[*]")


def header(name: str) -> EachText:
    """The values of one header. Raises RuleError where `name` isn't one in lower case, as the map's keys are."""
    if _HEADER.fullmatch(name) is None:
        raise RuleError(f"{name!r} is not a header's name in lower case")
    return EachText(f'{_field("http.request.headers", "map")}["{name}"][*]')


def number(name: str) -> Number:
    """A field that is a whole number. Raises RuleError where there is none of that name."""
    return Number(_field(name, "number"))


def address(name: str) -> Addresses:
    """A field that is an IP address. Raises RuleError where there is none of that name."""
    return Addresses(_field(name, "address"))


def truth(name: str) -> Condition:
    """A field that is true or not. Raises RuleError where there is none of that name."""
    return Condition(_field(name, "truth"))


def _field(name: str, kind: str) -> str:
    if name not in FIELDS:
        raise RuleError(f"{name!r} is no field of the rule language we know; known are {', '.join(FIELDS)}")
    if FIELDS[name] != kind:
        raise RuleError(f"{name} is a {FIELDS[name]}, not a {kind}")
    return name
