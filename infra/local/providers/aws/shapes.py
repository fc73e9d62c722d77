"""Between the program's property names and those of AWS's API."""

import json
from collections.abc import Mapping
from typing import Any

IRREGULAR = {"id": "ID", "kmsMasterKeyId": "KMSMasterKeyID", "sseAlgorithm": "SSEAlgorithm"}
"""Names whose AWS spelling is not the property's with a capital: S3's own abbreviations."""
PROPERTY = {aws: name for name, aws in IRREGULAR.items()}


def to_aws(value: Any) -> Any:
    """A property value in the spelling of AWS's API: `noncurrentDays` becomes `NoncurrentDays`. None is left out."""
    if isinstance(value, Mapping):
        return {_aws_name(key): to_aws(inner) for key, inner in value.items() if inner is not None}
    return [to_aws(inner) for inner in value] if isinstance(value, list) else value


def from_aws(value: Any) -> Any:
    """The reverse of `to_aws`."""
    if isinstance(value, Mapping):
        return {_property_name(key): from_aws(inner) for key, inner in value.items()}
    return [from_aws(inner) for inner in value] if isinstance(value, list) else value


def same_document(declared: str | None, live: str) -> str:
    """`declared` where it says what `live` says in another order or spacing, else `live`. Both are JSON."""
    return declared if declared is not None and json.loads(declared) == json.loads(live) else live


def tag_map(tags: list[dict[str, str]], key: str = "Key", value: str = "Value") -> dict[str, str]:
    """AWS's list of tags as a mapping."""
    return {tag[key]: tag[value] for tag in tags}


def tag_list(tags: Mapping[str, str], key: str = "Key", value: str = "Value") -> list[dict[str, str]]:
    """A mapping of tags as AWS's list."""
    return [{key: name, value: text} for name, text in sorted(tags.items())]


def _aws_name(name: str) -> str:
    return IRREGULAR.get(name) or name[0].upper() + name[1:]


def _property_name(name: str) -> str:
    return PROPERTY.get(name) or name[0].lower() + name[1:]
