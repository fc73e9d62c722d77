"""From what is there to what was declared: what a read reports as inputs."""

from collections.abc import Mapping
from typing import Any


def as_declared(declared: Any, live: Any) -> Any:
    """`live`, without the fields that `declared` says nothing of: so drift shows, and the service's defaults don't."""
    if isinstance(declared, Mapping) and isinstance(live, Mapping):
        return {key: as_declared(value, live.get(key)) for key, value in declared.items()}
    if isinstance(declared, list) and isinstance(live, list) and len(declared) == len(live):
        return [as_declared(*pair) for pair in zip(declared, live, strict=True)]
    return live
