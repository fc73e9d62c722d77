"""A script's bindings: which types there are, what each needs, and what the runtime is told of it."""

import json
from collections.abc import Mapping, Sequence
from typing import Any

from infra.local.cloudflare.errors import invalid

FIELDS: Mapping[str, Mapping[str, type]] = {
    "durable_object_namespace": {"class_name": str},
    "kv_namespace": {"namespace_id": str},
    "json": {"json": str},
    "plain_text": {"text": str},
    "ratelimit": {"namespace_id": str, "simple": dict},
    "secret_text": {"text": str},
}
"""Binding type -> the fields it has beside `name` and `type`."""
PERIODS = (10, 60)
"""Seconds a rate limit can be for."""


def require_types(types: object) -> None:
    """Refuse what are no types of bindings. Raises `ApiError`."""
    if not isinstance(types, list) or not set(map(str, types)) <= set(FIELDS):
        raise invalid(f"metadata.keep_bindings: must be a list of {', '.join(sorted(FIELDS))}")


def kept_bindings(
    before: Sequence[Mapping[str, Any]], given: Sequence[Mapping[str, Any]], types: Sequence[str]
) -> list[Mapping[str, Any]]:
    """The bindings of an earlier upload that stay: of these types, and not given anew."""
    names = {binding.get("name") for binding in given if isinstance(binding, Mapping)}
    return [binding for binding in before if binding["type"] in types and binding["name"] not in names]


def require_bindings(
    bindings: Sequence[Mapping[str, Any]], namespaces: Mapping[str, Any], classes: Sequence[str]
) -> None:
    """Refuse bindings that can't be made. Raises `ApiError` naming the binding.

    `namespaces` are the account's KV namespaces, `classes` the script's own Durable Object classes.
    """
    names = [binding.get("name") for binding in bindings]
    for binding in bindings:
        _require_binding(binding)
        _require_target(binding, namespaces, classes)
        if names.count(binding["name"]) > 1:
            raise invalid(f"bindings.{binding['name']}: the name is given twice; rename one")


def _require_binding(binding: Mapping[str, Any]) -> None:
    name, kind = binding.get("name"), binding.get("type")
    if not isinstance(name, str) or not name.isidentifier():
        raise invalid(f"bindings: {name!r} is not a name a Worker can use; give an identifier")
    if not isinstance(kind, str) or kind not in FIELDS:
        known = ", ".join(sorted(FIELDS))
        raise invalid(f"bindings.{name}: type {kind!r} is not supported here, only {known}")
    for field, wanted in FIELDS[kind].items():
        if not isinstance(binding.get(field), wanted):
            what = "a string" if wanted is str else "an object"
            raise invalid(f"bindings.{name}: {kind} needs {field}, {what}")
    if extra := sorted(set(binding) - {"name", "type", *FIELDS[kind]}):
        raise invalid(f"bindings.{name}: {kind} has no {', '.join(extra)}")


def _require_target(binding: Mapping[str, Any], namespaces: Mapping[str, Any], classes: Sequence[str]) -> None:
    name = binding["name"]
    match binding["type"]:
        case "kv_namespace" if binding["namespace_id"] not in namespaces:
            raise invalid(f"bindings.{name}: there is no KV namespace {binding['namespace_id']}", 10041)
        case "durable_object_namespace" if binding["class_name"] not in classes:
            text = "is not configured to implement Durable Objects; a migration must make it"
            raise invalid(f"bindings.{name}: class {binding['class_name']} {text}", 10061)
        case "json":
            _require_json(name, binding["json"])
        case "ratelimit":
            _require_rate(name, binding["namespace_id"], binding["simple"])


def _require_rate(name: str, namespace: str, simple: Mapping[str, Any]) -> None:
    if not namespace.isdecimal() or int(namespace) == 0:
        raise invalid(f"bindings.{name}: namespace_id of a ratelimit is a whole number above zero, as text")
    limit, period = simple.get("limit"), simple.get("period")
    whole = isinstance(limit, int | float) and not isinstance(limit, bool) and limit > 0 and float(limit).is_integer()
    if not whole or period not in PERIODS or set(simple) != {"limit", "period"}:
        periods = " or ".join(map(str, PERIODS))
        raise invalid(f"bindings.{name}: simple must hold a limit, a whole number, and a period of {periods}")


def _require_json(name: str, value: str) -> None:
    try:
        json.loads(value)
    except ValueError:
        raise invalid(f"bindings.{name}: json must be JSON text") from None


def runtime_bindings(bindings: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """The runtime's options of checked bindings."""
    values: dict[str, Any] = {}
    namespaces: dict[str, str] = {}
    objects: dict[str, dict[str, Any]] = {}
    rates: dict[str, dict[str, Any]] = {}
    for binding in bindings:
        match binding["type"]:
            case "kv_namespace":
                namespaces[binding["name"]] = binding["namespace_id"]
            case "durable_object_namespace":
                objects[binding["name"]] = {"className": binding["class_name"], "useSQLite": True}
            case "ratelimit":
                rates[binding["name"]] = {field: binding[field] for field in FIELDS["ratelimit"]}
            case "json":
                values[binding["name"]] = json.loads(binding["json"])
            case _:
                values[binding["name"]] = binding["text"]
    return {"bindings": values, "kvNamespaces": namespaces, "durableObjects": objects, "ratelimits": rates}


def public_binding(binding: Mapping[str, Any]) -> dict[str, Any]:
    """A binding as the API shows it: a secret's text never leaves."""
    hidden = "text" if binding["type"] == "secret_text" else None
    return {field: value for field, value in binding.items() if field != hidden}
