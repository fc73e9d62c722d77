"""A script's bindings: which types there are, what each needs, and what the runtime is told of it."""

import json
from collections.abc import Mapping, Sequence
from typing import Any

from infra.local.cloudflare.errors import invalid

FIELDS: Mapping[str, str] = {
    "kv_namespace": "namespace_id",
    "json": "json",
    "plain_text": "text",
    "secret_text": "text",
}
"""Binding type -> the one field it has beside `name` and `type`."""


def require_bindings(bindings: Sequence[Mapping[str, Any]], namespaces: Mapping[str, Any]) -> None:
    """Refuse bindings that can't be made. Raises `ApiError` naming the binding."""
    names = [binding.get("name") for binding in bindings]
    for binding in bindings:
        _require_binding(binding, namespaces)
        if names.count(binding["name"]) > 1:
            raise invalid(f"bindings.{binding['name']}: the name is given twice; rename one")


def _require_binding(binding: Mapping[str, Any], namespaces: Mapping[str, Any]) -> None:
    name, kind = binding.get("name"), binding.get("type")
    if not isinstance(name, str) or not name.isidentifier():
        raise invalid(f"bindings: {name!r} is not a name a Worker can use; give an identifier")
    if not isinstance(kind, str) or kind not in FIELDS:
        known = ", ".join(sorted(FIELDS))
        raise invalid(f"bindings.{name}: type {kind!r} is not supported here, only {known}")
    field = FIELDS[kind]
    value = binding.get(field)
    if not isinstance(value, str):
        raise invalid(f"bindings.{name}: {kind} needs {field}, a string")
    if extra := sorted(set(binding) - {"name", "type", field}):
        raise invalid(f"bindings.{name}: {kind} has no {', '.join(extra)}")
    if kind == "kv_namespace" and value not in namespaces:
        raise invalid(f"bindings.{name}: there is no KV namespace {value}", 10041)
    if kind == "json":
        _require_json(name, value)


def _require_json(name: str, value: str) -> None:
    try:
        json.loads(value)
    except ValueError:
        raise invalid(f"bindings.{name}: json must be JSON text") from None


def runtime_bindings(bindings: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """The runtime's options of checked bindings."""
    values: dict[str, Any] = {}
    namespaces: dict[str, str] = {}
    for binding in bindings:
        match binding["type"]:
            case "kv_namespace":
                namespaces[binding["name"]] = binding["namespace_id"]
            case "json":
                values[binding["name"]] = json.loads(binding["json"])
            case _:
                values[binding["name"]] = binding["text"]
    return {"bindings": values, "kvNamespaces": namespaces}


def public_binding(binding: Mapping[str, Any]) -> dict[str, Any]:
    """A binding as the API shows it: a secret's text never leaves."""
    hidden = "text" if binding["type"] == "secret_text" else None
    return {field: value for field, value in binding.items() if field != hidden}
