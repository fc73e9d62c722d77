"""Resources as a program would declare them, for tests."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from policies.record import Resource, Stack, Unknown


@dataclass(frozen=True)
class Ref:
    """Stands in a resource's inputs for the id of another, which nobody knows before it is made."""

    target: Resource


@dataclass(frozen=True, kw_only=True)
class Given(Resource):
    """A resource that also knows its inputs as a program gives them, with a Ref where it passes on an output."""

    given: Mapping[str, Any]


def resource(type_: str, name: str, inputs: Mapping[str, Any], **fields: Any) -> Given:
    """A resource of a type; its URN is as the engine makes it, and a Ref in its inputs is unknown, but told of."""
    dependencies = {key: tuple(urn for urn in _targets(value)) for key, value in inputs.items()}
    given: dict[str, Any] = {
        "urn": f"urn:pulumi:test::moltghost::{type_}::{name}",
        "parent": None,
        "provider": None,
        "dependencies": (),
        "property_dependencies": {key: urns for key, urns in dependencies.items() if urns},
        "protect": False,
        "options": {},
        "custom": True,
    }
    return Given(type=type_, name=name, inputs=_recorded(inputs), given=inputs, **{**given, **fields})


def kubernetes(manifest: Mapping[str, Any], name: str | None = None) -> Given:
    """A Kubernetes object as the program declares it."""
    version = str(manifest["apiVersion"])
    group = f"core/{version}" if version == "v1" else version
    named = name or "-".join(filter(None, (manifest["metadata"].get("namespace"), manifest["metadata"]["name"])))
    return resource(f"kubernetes:{group}:{manifest['kind']}", f"{manifest['kind'].lower()}-{named}", manifest)


def stack(*resources: Resource, kind: str = "tenant") -> Stack:
    """A stack of these resources."""
    return Stack(name="test", kind=kind, resources=tuple(resources), outputs={})


def _targets(value: Any) -> list[str]:
    if isinstance(value, Ref):
        return [value.target.urn]
    if isinstance(value, Mapping):
        return [urn for each in value.values() for urn in _targets(each)]
    if isinstance(value, list | tuple):
        return [urn for each in value for urn in _targets(each)]
    return []


def _recorded(value: Any) -> Any:
    if isinstance(value, Ref):
        return Unknown(f"{value.target.urn} id")
    if isinstance(value, Mapping):
        return {key: _recorded(each) for key, each in value.items()}
    if isinstance(value, list | tuple):
        return [_recorded(each) for each in value]
    return value
