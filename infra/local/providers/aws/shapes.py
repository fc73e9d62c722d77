"""Between the program's property names and those of AWS's API."""

import json
import operator
from collections.abc import Callable, Mapping
from typing import Any

from botocore.exceptions import ClientError

IRREGULAR = {
    "id": "ID",
    "kmsMasterKeyId": "KMSMasterKeyID",
    "replicaKmsKeyId": "ReplicaKmsKeyID",
    "sseAlgorithm": "SSEAlgorithm",
}
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


def settled(declared: Any, live: Any, unordered: bool = False) -> Any:
    """`live` as `declared` would write it: without fields it says nothing of, "8080" for 8080, a set in its order."""
    if isinstance(declared, Mapping) and isinstance(live, Mapping):
        return {key: settled(value, live.get(key), unordered) for key, value in declared.items()}
    if isinstance(declared, list) and isinstance(live, list) and len(declared) == len(live):
        ordered = (
            in_order_of(declared, live, lambda one, other: settled(one, other, True) == one) if unordered else live
        )
        return [settled(*pair) for pair in zip(declared, ordered, strict=True)]
    if isinstance(declared, str | int | float) and isinstance(live, str | int | float):
        return declared if str(declared).lower() == str(live).lower() else live
    return live


def in_order_of(first: list[Any], second: list[Any], same: Callable[[Any, Any], bool] = operator.eq) -> list[Any]:
    """The items of `second`: those that `first` has too in its order, the others after them."""
    rest, ordered = list(second), []
    for one in first:
        at = next((i for i, other in enumerate(rest) if same(one, other)), None)
        if at is not None:
            ordered.append(rest.pop(at))
    return ordered + rest


def same_json(declared: Any, live: Any) -> bool:
    """Whether two texts are the same JSON."""
    try:
        return bool(json.loads(declared) == json.loads(live))
    except (TypeError, ValueError):
        return False


def is_absent(error: ClientError) -> bool:
    """Whether a service says that what was asked for isn't there; each has codes of its own for it."""
    code = str(error.response["Error"]["Code"])
    return "NoSuch" in code or "NotFound" in code


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
