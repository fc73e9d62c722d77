"""Turns what the monitor was told into records: unknown values typed, secrets hashed, options by their names."""

import hashlib
import hmac
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from google.protobuf import json_format, struct_pb2
from pulumi.runtime.rpc import UNKNOWN

from infra.synth.model import Resource, Secret, Stack, Unknown, Value
from infra.synth.monitor import ROOT
from infra.synth.program import WITHHELD, Run
from infra.synth.properties import is_unknown, opened, unsecret, whole
from infra.synth.symbols import symbols_in

_PROVIDER = "pulumi:providers:"
_DIGEST_LENGTH = 32
_FINGERPRINT_LENGTH = 12

_FIELDS = frozenset(
    (
        "type",
        "name",
        "parent",
        "custom",
        "object",
        "protect",
        "provider",
        "dependencies",
        "propertyDependencies",
    )
)
"""What of a request has a field of its own in the record."""

_TALK = frozenset(
    (
        "acceptSecrets",
        "acceptResources",
        "supportsPartialValues",
        "supportsResultReporting",
        "sourcePosition",
        "stackTrace",
        "deleteBeforeReplaceDefined",
    )
)
"""What of a request says how to speak to the program, or where in it the resource is, and nothing of the resource."""


@dataclass(frozen=True)
class Recorder:
    """Makes the records of one stack.

    `key` is what secrets are hashed with: those of two records compare only under one key. `withheld` says of each
    encrypted setting nobody gave how it stands in the file, encrypted.
    """

    name: str
    kind: str
    key: bytes
    withheld: Mapping[str, str]

    def record(self, known: Run, named: Run) -> Stack:
        """The stack, from a run in which what isn't known isn't, and one in which it has names."""
        resources = [
            self._resource(urn, request, named.requests[urn].object if urn in named.requests else None)
            for urn, request in known.requests.items()
            if request.type != ROOT
        ]
        outputs = {
            name: self._value(value, named.outputs.get(name), _At(f"stack:{self.name}", name, ()))
            for name, value in sorted(known.outputs.items())
        }
        return Stack(name=self.name, kind=self.kind, resources=tuple(_ordered(resources)), outputs=outputs)

    def _resource(self, urn: str, request: Any, named: struct_pb2.Struct | None) -> Resource:
        sources = {name: tuple(sorted(each.urns)) for name, each in request.propertyDependencies.items()}
        own = {name: _resources_among(urns) for name, urns in sources.items()}
        return Resource(
            urn=urn,
            type=request.type,
            name=request.name,
            parent=request.parent or None,
            provider=request.provider.rpartition("::")[0] or None,
            dependencies=_resources_among(request.dependencies),
            property_dependencies={name: urns for name, urns in sorted(own.items()) if urns},
            inputs=self._inputs(urn, request, named, sources),
            protect=request.protect,
            options=dict(_options(request)),
            custom=request.custom,
        )

    def _inputs(
        self, urn: str, request: Any, named: struct_pb2.Struct | None, sources: Mapping[str, tuple[str, ...]]
    ) -> dict[str, Value]:
        inputs = {
            name: self._value(
                value,
                named.fields[name] if named is not None and name in named.fields else None,
                _At(urn, name, sources.get(name, ())),
            )
            for name, value in sorted(request.object.fields.items())
        }
        # As the engine has it: a provider's version is one of its inputs, and what a change of it would replace.
        return {**inputs, "version": request.version} if request.type.startswith(_PROVIDER) else inputs

    def _value(self, value: struct_pb2.Value, named: struct_pb2.Value | None, at: "_At") -> Value:
        inner = unsecret(value)
        if inner is not None:
            return Secret(self._digest(inner, named, at))
        if is_unknown(value):
            # The SDK marks no unknown value as a secret; what is made of a secret nobody gave is one all the same.
            return Secret(self._digest(value, named, at)) if at.withheld() else self._unknown(named, at)
        match value.WhichOneof("kind"):
            case "struct_value":
                others: Mapping[str, struct_pb2.Value] = named.struct_value.fields if named is not None else {}
                return {
                    name: self._value(each, others.get(name), at.below(name))
                    for name, each in sorted(value.struct_value.fields.items())
                }
            case "list_value":
                return self._list(value.list_value.values, named, at)
            case "number_value":
                return whole(value.number_value)
            case "string_value":
                text: str = value.string_value
                found = symbols_in(text)  # of what another stack exports: the program awaits that as plain text
                return Unknown(", ".join(found), text) if found else text
            case "bool_value":
                return bool(value.bool_value)
            case _:
                return None

    def _list(self, values: Sequence[struct_pb2.Value], named: struct_pb2.Value | None, at: "_At") -> list[Value]:
        others = named.list_value.values if named is not None else ()
        fit = len(others) == len(values)
        return [
            self._value(each, others[place] if fit else None, at.below(str(place))) for place, each in enumerate(values)
        ]

    def _unknown(self, named: struct_pb2.Value | None, at: "_At") -> Unknown:
        """What isn't known: where from, and the text it is in. What became of names that can't be seen in it any more
        counts by its hash, so that a change is seen all the same."""
        shown = None if named is None or is_unknown(named) else opened(named)
        text = shown if isinstance(shown, str) else None if shown is None else _canonical(shown)
        found = symbols_in(text) if text is not None else []
        if found and text is not None:
            return Unknown(", ".join(found), text)
        why = ", ".join(at.sources) or f"{at.origin}#{at.place}"
        if text is None or UNKNOWN in text:
            return Unknown(why)
        return Unknown(f"{why} ({self._hash(text)[:_FINGERPRINT_LENGTH]})")

    def _digest(self, value: struct_pb2.Value, named: struct_pb2.Value | None, at: "_At") -> str:
        """A secret's hash; of one that isn't known, the hash of what it is made from, and where."""
        text = _canonical(opened(value))
        if UNKNOWN not in text and not symbols_in(text):
            return self._hash(text)
        if text != _canonical(UNKNOWN):
            return self._hash(_canonical([at.origin, at.place, text]))
        made_from = [self.withheld.get(each.removeprefix(WITHHELD), each) for each in at.sources]
        shown = None if named is None else opened(named)
        return self._hash(_canonical([at.origin, at.place, made_from, shown]))

    def _hash(self, text: str) -> str:
        return hmac.new(self.key, text.encode(), hashlib.sha256).hexdigest()[:_DIGEST_LENGTH]


@dataclass(frozen=True)
class _At:
    """A place among a resource's inputs, and what the input there was made from."""

    origin: str
    place: str
    sources: tuple[str, ...]

    def withheld(self) -> bool:
        """Whether it was made from a secret that nobody gave."""
        return any(each.startswith(WITHHELD) for each in self.sources)

    def below(self, step: str) -> "_At":
        return _At(self.origin, f"{self.place}.{step}", self.sources)


def _resources_among(urns: Sequence[str]) -> tuple[str, ...]:
    return tuple(sorted(urn for urn in urns if not urn.startswith(WITHHELD)))


def _canonical(value: Any) -> str:
    return json.dumps(value, sort_keys=True)


def _ordered(resources: Sequence[Resource]) -> list[Resource]:
    return sorted(resources, key=lambda each: each.urn)


def _options(request: Any) -> Iterator[tuple[str, Value]]:
    """The options given, by the names the protocol has for them."""
    for descriptor, value in sorted(request.ListFields(), key=lambda pair: str(pair[0].name)):
        name = descriptor.name
        if name in _FIELDS | _TALK:
            continue
        if name == "providers":
            yield name, {package: reference.rpartition("::")[0] for package, reference in sorted(value.items())}
        elif name == "deleteBeforeReplace" and not request.deleteBeforeReplaceDefined:
            continue
        elif (option := _option(value)) != {}:
            yield name, option


def _option(value: Any) -> Value:
    if isinstance(value, bool | int | float | str):
        return value
    if hasattr(value, "DESCRIPTOR"):
        return dict(json_format.MessageToDict(value))
    if isinstance(value, Mapping):
        return {str(name): _option(each) for name, each in sorted(value.items())}
    return [_option(each) for each in value]
