"""Between the program's property names and the API's, and from what is there to what was declared."""

import re
from collections.abc import Mapping, Sequence
from typing import Any

from infra.local.providers.base import Failure, InvalidInputsError
from infra.local.providers.properties import Properties


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


def as_declared(declared: Any, live: Any) -> Any:
    """`live`, without the fields that `declared` says nothing of: so drift shows, and the service's defaults don't."""
    if isinstance(declared, Mapping) and isinstance(live, Mapping):
        return {key: as_declared(value, live.get(key)) for key, value in declared.items()}
    if isinstance(declared, list) and isinstance(live, list) and len(declared) == len(live):
        return [as_declared(*pair) for pair in zip(declared, live, strict=True)]
    return live


def require_inputs(inputs: Properties, required: Sequence[str], optional: Sequence[str] = ()) -> None:
    """Refuse inputs a kind lacks or can't honour. Raises `InvalidInputsError` naming each."""
    failures = [Failure((name,), "must be given") for name in required if inputs.get(name) is None]
    for name, value in inputs.items():
        if name not in (*required, *optional) and value is not None:
            known = ", ".join((*required, *optional))
            failures.append(Failure((name,), f"is not supported by the local cloudflare provider; it knows {known}"))
    if failures:
        raise InvalidInputsError(failures)


def split_import_id(identifier: str, *parts: str) -> list[str]:
    """The parts of an import's id, `<accountId>/<id>`. Raises `InvalidInputsError`."""
    values = identifier.split("/", len(parts) - 1)
    if len(values) != len(parts) or not all(values):
        wanted = "/".join(f"<{part}>" for part in parts)
        raise InvalidInputsError([Failure(("id",), f"{identifier!r} must be {wanted}")])
    return values
