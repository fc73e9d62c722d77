"""Cloudflare's rule language, written by typed functions: what can't be asked there can't be said here.

The language: https://developers.cloudflare.com/ruleset-engine/rules-language/
"""

from components.edge.rules.conditions import (
    LONGEST_EXPRESSION,
    Addresses,
    Condition,
    EachText,
    Number,
    RuleError,
    Text,
    all_of,
    any_of,
    expression,
)
from components.edge.rules.fields import (
    FIELDS,
    address,
    header,
    number,
    text,
    texts,
    truth,
)

__all__ = [
    "FIELDS",
    "LONGEST_EXPRESSION",
    "Addresses",
    "Condition",
    "EachText",
    "Number",
    "RuleError",
    "Text",
    "address",
    "all_of",
    "any_of",
    "expression",
    "header",
    "number",
    "text",
    "texts",
    "truth",
]
