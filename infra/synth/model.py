"""Records as JSON: one form, so that two equal stacks are equal byte for byte."""

import json
from collections.abc import Mapping, Sequence
from typing import Any

from policies.record import Resource, Secret, Stack, Unknown, Value

UNKNOWN_KEY, TEXT_KEY, SECRET_KEY = "$unknown", "$text", "$secret"

__all__ = ["Resource", "Secret", "Stack", "Unknown", "Value", "from_json", "plain", "to_json"]


def to_json(stack: Stack) -> str:
    """A stack's record as text: keys sorted, one line a value."""
    return json.dumps(_stack(stack), indent=1, sort_keys=True, ensure_ascii=False) + "\n"


def from_json(text: str) -> Stack:
    """The record `to_json` wrote. Raises KeyError or ValueError for any other text."""
    found = json.loads(text)
    return Stack(
        name=found["name"],
        kind=found["kind"],
        resources=tuple(_resource_of(each) for each in found["resources"]),
        outputs={name: _value_of(value) for name, value in found["outputs"].items()},
    )


def plain(value: Value) -> Any:
    """A value in JSON's own types: what is unknown or secret stands as a mapping with a mark for its only key."""
    match value:
        case Unknown():
            return {UNKNOWN_KEY: value.why, **({} if value.text is None else {TEXT_KEY: value.text})}
        case Secret():
            return {SECRET_KEY: value.digest}
        case str() | bool() | int() | float() | None:
            return value
        case Mapping():
            return {name: plain(each) for name, each in value.items()}
        case Sequence():
            return [plain(each) for each in value]


def _value_of(found: Any) -> Value:
    if isinstance(found, list):
        return [_value_of(each) for each in found]
    if not isinstance(found, dict):
        value: Value = found
        return value
    if set(found) <= {UNKNOWN_KEY, TEXT_KEY} and UNKNOWN_KEY in found:
        return Unknown(found[UNKNOWN_KEY], found.get(TEXT_KEY))
    if set(found) == {SECRET_KEY}:
        return Secret(found[SECRET_KEY])
    return {name: _value_of(each) for name, each in found.items()}


def _stack(stack: Stack) -> dict[str, Any]:
    return {
        "name": stack.name,
        "kind": stack.kind,
        "resources": [_resource(each) for each in stack.resources],
        "outputs": plain(stack.outputs),
    }


def _resource(resource: Resource) -> dict[str, Any]:
    return {
        "urn": resource.urn,
        "type": resource.type,
        "name": resource.name,
        "custom": resource.custom,
        "parent": resource.parent,
        "provider": resource.provider,
        "protect": resource.protect,
        "dependencies": list(resource.dependencies),
        "propertyDependencies": {name: list(urns) for name, urns in resource.property_dependencies.items()},
        "inputs": plain(resource.inputs),
        "options": plain(resource.options),
    }


def _resource_of(found: Mapping[str, Any]) -> Resource:
    dependencies = found["propertyDependencies"]
    return Resource(
        urn=found["urn"],
        type=found["type"],
        name=found["name"],
        custom=found["custom"],
        parent=found["parent"],
        provider=found["provider"],
        protect=found["protect"],
        dependencies=tuple(found["dependencies"]),
        property_dependencies={name: tuple(urns) for name, urns in dependencies.items()},
        inputs={name: _value_of(value) for name, value in found["inputs"].items()},
        options={name: _value_of(value) for name, value in found["options"].items()},
    )
