"""IAM's policy documents, read so that what is not understood counts as allowed.

https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_grammar.html (2026-11)
"""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from infra.prove.declared import text
from infra.prove.problems import UnmodelledError


@dataclass(frozen=True)
class Grant:
    """One statement that allows. Conditions only narrow it, so they are left aside. `field` is its place."""

    principals: tuple[tuple[str, str], ...]
    actions: tuple[str, ...]
    resources: tuple[str, ...]
    field: str


def read_grants(urn: str, field: str, value: Any) -> Iterator[Grant]:
    """What a document allows. Raises UnmodelledError for what is not known or not understood."""
    document = text(value)
    if document is None:
        raise UnmodelledError(urn, field, "is not known")
    try:
        statements = json.loads(document)["Statement"]
    except (ValueError, KeyError, TypeError):
        raise UnmodelledError(urn, field, "is no policy document") from None
    for at, each in enumerate(statements if isinstance(statements, list) else [statements]):
        where = f"{field}.Statement[{at}]"
        if each.get("Effect") == "Deny":
            continue  # it only takes away
        if each.get("Effect") != "Allow" or {"NotAction", "NotResource", "NotPrincipal"} & set(each):
            raise UnmodelledError(urn, where, "allows by what it leaves out")
        yield Grant(
            tuple(_principals(each.get("Principal"))), _many(each.get("Action")), _many(each.get("Resource")), where
        )


def _principals(value: Any) -> Iterator[tuple[str, str]]:
    if value == "*":
        yield "AWS", "*"
    elif isinstance(value, dict):
        yield from ((kind, each) for kind, ones in value.items() for each in _many(ones))


def _many(value: Any) -> tuple[str, ...]:
    if value is None:
        return ()
    return (value,) if isinstance(value, str) else tuple(map(str, value))


def overlaps(pattern: str, arn: str) -> bool:
    """Whether a pattern may mean a thing, or something in it (`arn/…`): no for certain only where their texts part."""
    literal = pattern.split("*", 1)[0].split("?", 1)[0]
    if literal == pattern:
        return pattern == arn or pattern.startswith(f"{arn}/")
    return arn.startswith(literal) or literal.startswith(f"{arn}/") or literal == arn


def within(pattern: str, arn: str) -> bool:
    """Whether a pattern means nothing but a thing and what is in it."""
    return pattern == arn or pattern.startswith(f"{arn}/")


def touches(actions: tuple[str, ...], prefixes: tuple[str, ...]) -> bool:
    """Whether one of the actions is, or may be, one of a service's."""
    return any(
        one.lower().startswith(prefix) or (prefix.startswith(one.lower().split("*", 1)[0]) and "*" in one)
        for one in actions
        for prefix in prefixes
    )
