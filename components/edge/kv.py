"""Records of the edge's key-value namespaces, as values."""

import json
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class KvRecord:
    """One record: `name` is the resource's, `key` and `value` are what the Worker reads."""

    name: str
    key: str
    value: str


def as_json(value: dict[str, Any]) -> str:
    """A record's value, its fields always in the same order."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"), allow_nan=False)
