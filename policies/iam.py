"""Policy documents of AWS, statement by statement."""

import re
from collections.abc import Sequence
from fnmatch import fnmatchcase

from policies.field import Field, Findings

_ACCOUNT = re.compile(r"(?:arn:aws[a-z-]*:[a-z0-9-]+:[a-z0-9-]*:)?(\d{12})(?::.*)?")

OWN_ACCOUNT_KEYS = frozenset(
    key.lower()
    for key in (
        "aws:PrincipalAccount",
        "aws:PrincipalArn",
        "aws:PrincipalOrgID",
        "aws:SourceAccount",
        "aws:SourceArn",
        "kms:CallerAccount",
        "kms:EncryptionContext:aws:logs:arn",
    )
)
"""Condition keys that say who asks, or for what of ours."""
_ASKING = ("StringEquals", "StringLike", "ArnEquals", "ArnLike")


def allows(document: Field) -> list[Field]:
    """The statements of a document that allow something, or may. A lone statement may stand without a list."""
    statements = document.parsed()["Statement"]
    listed = statements.each() or ([statements] if statements.is_set else [])
    return [each for each in listed if not each.is_known or each["Effect"].value != "Deny"]


def denies(document: Field) -> list[Field]:
    """The statements that deny something."""
    return [each for each in document.parsed()["Statement"].each() if each["Effect"].value == "Deny"]


def judgeable(document: Field, says: str) -> Findings:
    """The finding that a document isn't there, or is none. An unknown one is a statement that is unknown."""
    if not allows(document) and not denies(document):
        yield document.fail(says)


def unknown_parts(statement: Field, *keys: str) -> Findings:
    """The findings of what isn't known in these parts of a statement; what is known of it is judged beside them."""
    if not statement.is_known:
        yield statement.unknown()
        return
    for key in keys:
        yield from statement[key].unknown_parts()


def principals(statement: Field) -> list[tuple[str, str]]:
    """Who a statement speaks of: (AWS | Service | Federated | CanonicalUser | *, name)."""
    principal = statement["Principal"]
    if isinstance(principal.value, str):
        return [("AWS" if principal.value == "*" else "", principal.value)]
    return [(kind, name) for kind, named in principal.items() for name in named.texts()]


def account_of(principal: str) -> str | None:
    """The account of an ARN or an account id."""
    found = _ACCOUNT.fullmatch(principal)
    return found[1] if found else None


def says_who_asks(statement: Field) -> bool:
    """Whether a condition holds the statement to callers, or a service's callers, that it names, or may come to."""
    return any(
        key.lower() in OWN_ACCOUNT_KEYS and value.is_set and "*" not in value.texts()
        for test in _ASKING
        for key, value in statement.at("Condition", test).items()
    )


def does_any(statement: Field, patterns: Sequence[str]) -> bool:
    """Whether a statement's actions take in one of these (`kms:Decrypt`), by name or by wildcard."""
    return any(
        fnmatchcase(wanted.lower(), action.lower()) for action in statement["Action"].texts() for wanted in patterns
    )
