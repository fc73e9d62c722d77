"""Between the program's property names and the API's."""

import re
from collections.abc import Mapping
from typing import Any

from infra.local.providers.base import Failure, InvalidInputsError


def to_api(value: Any) -> Any:
    """`namespaceId` becomes `namespace_id`, all the way down. None is left out."""
    return _renamed(value, lambda name: re.sub("[A-Z]", lambda letter: f"_{letter[0].lower()}", name))


def from_api(value: Any) -> Any:
    """The reverse of `to_api`."""
    return _renamed(value, lambda name: re.sub("_([a-z0-9])", lambda letter: letter[1].upper(), name))


def _renamed(value: Any, rename: Any) -> Any:
    if isinstance(value, Mapping):
        return {rename(key): _renamed(inner, rename) for key, inner in value.items() if inner is not None}
    return [_renamed(inner, rename) for inner in value] if isinstance(value, list) else value


def split_import_id(identifier: str, *parts: str) -> list[str]:
    """The parts of an import's id, `<accountId>/<id>`. Raises `InvalidInputsError`."""
    values = identifier.split("/", len(parts) - 1)
    if len(values) != len(parts) or not all(values):
        wanted = "/".join(f"<{part}>" for part in parts)
        raise InvalidInputsError([Failure(("id",), f"{identifier!r} must be {wanted}")])
    return values
