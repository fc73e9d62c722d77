"""Types of the rule language, the fields and functions that are known here, and what each is."""

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True)
class Type:
    """A type; `of` is what an Array or Map holds. `Each` is an array unpacked by `[*]`."""

    name: str
    of: "Type | None" = None

    def __str__(self) -> str:
        return f"{self.name}<{self.of}>" if self.of else self.name


STRING, INTEGER, BOOLEAN, ADDRESS = Type("String"), Type("Integer"), Type("Boolean"), Type("IP address")
TEXTS = Type("Array", STRING)

FIELDS: Mapping[str, Type] = {
    "cf.bot_management.score": INTEGER,
    "cf.bot_management.verified_bot": BOOLEAN,
    "cf.worker.upstream_zone": STRING,
    "http.host": STRING,
    "http.request.body.size": INTEGER,
    "http.request.full_uri": STRING,
    "http.request.headers": Type("Map", TEXTS),
    "http.request.headers.names": TEXTS,
    "http.request.headers.values": TEXTS,
    "http.request.method": STRING,
    "http.request.uri": STRING,
    "http.request.uri.args": Type("Map", TEXTS),
    "http.request.uri.path": STRING,
    "http.request.uri.query": STRING,
    "http.user_agent": STRING,
    "ip.src": ADDRESS,
    "ssl": BOOLEAN,
}
"""https://developers.cloudflare.com/ruleset-engine/rules-language/fields/reference/"""
RESPONSE_FIELDS: Mapping[str, Type] = {"http.response.code": INTEGER}
"""Known in a rate limit's counting expression alone."""


@dataclass(frozen=True)
class Function:
    """A function: its first parameter, what it gives, and the literals that follow."""

    first: Type
    result: Type
    literals: tuple[Type, ...] = ()


FUNCTIONS: Mapping[str, Function] = {
    "ends_with": Function(STRING, BOOLEAN, (STRING,)),
    "len": Function(STRING, INTEGER),
    "lower": Function(STRING, STRING),
    "starts_with": Function(STRING, BOOLEAN, (STRING,)),
    "upper": Function(STRING, STRING),
    "url_decode": Function(STRING, STRING),
}
"""https://developers.cloudflare.com/ruleset-engine/rules-language/functions/; `any` and `all` are the parser's own."""

OPERATORS: Mapping[str, tuple[str, ...]] = {
    "eq": ("String", "Integer", "IP address"),
    "ne": ("String", "Integer", "IP address"),
    "lt": ("String", "Integer"),
    "le": ("String", "Integer"),
    "gt": ("String", "Integer"),
    "ge": ("String", "Integer"),
    "contains": ("String",),
    "matches": ("String",),
    "wildcard": ("String",),
    "strict wildcard": ("String",),
    "in": ("String", "Integer", "IP address"),
}
"""Operator -> the types it compares: https://developers.cloudflare.com/ruleset-engine/rules-language/operators/"""
SYMBOLS: Mapping[str, str] = {"==": "eq", "!=": "ne", "<=": "le", ">=": "ge", "<": "lt", ">": "gt", "~": "matches"}
