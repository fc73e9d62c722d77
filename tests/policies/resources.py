"""Resources as a program would declare them, for tests."""

from collections.abc import Mapping, Sequence
from typing import Any

from policies.record import Resource, Stack

KUBERNETES_TYPES = {
    "v1": "core/v1",
}


def resource(type_: str, name: str, inputs: Mapping[str, Any], **fields: Any) -> Resource:
    """A resource of a type; its URN is as the engine makes it."""
    given: dict[str, Any] = {
        "urn": f"urn:pulumi:test::moltghost::{type_}::{name}",
        "parent": None,
        "provider": None,
        "dependencies": (),
        "property_dependencies": {},
        "protect": False,
        "options": {},
        "custom": True,
    }
    return Resource(type=type_, name=name, inputs=inputs, **{**given, **fields})


def kubernetes(manifest: Mapping[str, Any], name: str | None = None) -> Resource:
    """A Kubernetes object as the program declares it."""
    version = str(manifest["apiVersion"])
    named = name or "-".join(filter(None, (manifest["metadata"].get("namespace"), manifest["metadata"]["name"])))
    return resource(f"kubernetes:{KUBERNETES_TYPES.get(version, version)}:{manifest['kind']}", named, manifest)


def stack(*resources: Resource, kind: str = "tenant") -> Stack:
    """A stack of these resources."""
    return Stack(name="test", kind=kind, resources=tuple(resources), outputs={})


def made_from(target: Resource, key: str, others: Sequence[Resource] = ()) -> Mapping[str, tuple[str, ...]]:
    """The property dependencies of something whose input `key` is made from these."""
    return {key: (target.urn, *(each.urn for each in others))}
