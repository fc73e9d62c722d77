"""The engine's messages to an analyzer, as records: each resource decoded once, however many rules look at it."""

from collections.abc import Mapping
from typing import Any

from google.protobuf import json_format, struct_pb2
from pulumi.runtime import proto
from pulumi_policy import deserialize, proxy

from policies.record import Resource, Stack, Unknown, Value

_SENTINELS = frozenset(value for name, value in vars(proxy).items() if name.startswith("UNKNOWN_"))
"""What the engine sends in the place of a value nobody knows yet: a text for each type of value."""


def stack_of(request: proto.AnalyzeStackRequest, name: str, kind: str) -> Stack:
    """The stack as the engine shows it."""
    return Stack(name=name, kind=kind, resources=tuple(map(_resource_of_stack, request.resources)), outputs={})


def resource_of(
    message: proto.AnalyzeRequest | proto.AnalyzerResource,
    dependencies: tuple[str, ...] = (),
    by_property: Mapping[str, tuple[str, ...]] | None = None,
) -> Resource:
    """A resource as the engine shows it. Of itself it comes without what it depends on."""
    options = message.options
    provider = message.provider.urn if message.HasField("provider") else None
    return Resource(
        urn=message.urn,
        type=message.type,
        name=message.name,
        parent=options.parent or None,
        provider=provider,
        dependencies=dependencies,
        property_dependencies=by_property or {},
        inputs=_inputs(message.properties),
        protect=options.protect,
        options={"ignoreChanges": list(options.ignoreChanges), "aliases": list(options.aliases)},
        custom=provider is not None or message.type.startswith("pulumi:providers:"),
    )


def _resource_of_stack(message: proto.AnalyzerResource) -> Resource:
    by_property = {key: tuple(each.urns) for key, each in message.propertyDependencies.items()}
    return resource_of(message, tuple(message.dependencies), by_property)


def _inputs(properties: struct_pb2.Struct) -> dict[str, Value]:
    """Properties without the marks of secrets: the engine tells policies what they are."""
    decoded = deserialize.deserialize_properties(json_format.MessageToDict(properties))
    return {key: _plain(value, (key,)) for key, value in decoded.items()}


def _plain(value: Any, path: tuple[str, ...]) -> Value:
    """A decoded value, with Unknown where the engine knows none yet."""
    if isinstance(value, str):
        return Unknown(proxy.UnknownValueError(value, list(path)).message) if value in _SENTINELS else value
    if isinstance(value, dict):
        return {key: _plain(each, (*path, key)) for key, each in value.items()}
    if isinstance(value, list):
        return [_plain(each, (*path, str(at))) for at, each in enumerate(value)]
    return value if isinstance(value, int | float | None) else str(value)  # an asset is told by its words alone
