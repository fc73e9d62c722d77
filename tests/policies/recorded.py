"""What the program's mocks recorded, in the form rules read."""

from typing import Any

from policies.record import Resource, Secret, Stack
from tests.program import recording as mocks


def stack_of(recording: mocks.Recording, name: str, kind: str) -> Stack:
    """A recording as a stack's record."""
    resources = tuple(_resource(each) for each in recording.resources)
    return Stack(name=name, kind=kind, resources=resources, outputs={})


def _resource(each: mocks.Registered) -> Resource:
    return Resource(
        urn=each.urn,
        type=each.type,
        name=each.name,
        parent=each.parent or None,
        provider=each.provider or None,
        dependencies=each.depends_on,
        property_dependencies=each.property_dependencies,
        inputs=_plain(each.inputs),
        protect=each.protected,
        options={},
        custom=each.custom,
    )


def _plain(value: Any) -> Any:
    if isinstance(value, mocks.Secret):
        return Secret("kept")
    if isinstance(value, dict):
        return {key: _plain(each) for key, each in value.items()}
    if isinstance(value, list):
        return [_plain(each) for each in value]
    return value
