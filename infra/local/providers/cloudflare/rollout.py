# ruff: noqa: ARG002 - handlers share one signature, and most need only a part of it
"""A Worker's version, and the deployment that says which versions answer. Neither ever changes: another is made."""

from collections.abc import Callable
from typing import Any, Final

from infra.local.cloudflare.protocol import OWNER_FIELD
from infra.local.providers.base import Call, Failure, InvalidInputsError, Kind, Live
from infra.local.providers.cloudflare.api import Api, segment
from infra.local.providers.cloudflare.shapes import from_api, split_import_id, to_api
from infra.local.providers.drift import as_declared
from infra.local.providers.properties import Properties
from infra.local.providers.supported import require_inputs

_CONTENT: Final = ("mainModule", "modules", "compatibilityDate", "compatibilityFlags", "bindings")
_SHARES: Final = ("strategy", "versions")


class _Immutable(Kind):
    """What is made, read and deleted by an id; a change of anything makes another."""

    place: tuple[str, str]
    """Its account and its Worker."""
    fields: tuple[str, ...]

    def __init__(self, api: Callable[[], Api]) -> None:
        self.api = api

    def update(self, call: Call, state: Properties, old_inputs: Properties, inputs: Properties) -> Properties:
        raise AssertionError("every input's change replaces it")

    def delete(self, call: Call, state: Properties, inputs: Properties) -> None:
        self.api().find("DELETE", f"{self.path(inputs or state)}/{segment(call.id)}")

    def path(self, inputs: Properties) -> str:
        """Where they are."""
        raise NotImplementedError

    def shown(self, call: Call, place: Properties, inputs: Properties) -> Properties | None:
        """One as the API shows it, under the program's names."""
        found = self.api().find("GET", f"{self.path(place)}/{segment(call.id)}?include=modules")
        return None if found is None else {**place, **from_api(found)}

    def read(self, call: Call, state: Properties, inputs: Properties) -> Live | None:
        identifier = call.id
        if inputs or state:
            place = {name: (inputs or state)[name] for name in self.place}
        else:
            *owner, identifier = split_import_id(call.id, *self.place, "id")
            place = dict(zip(self.place, owner, strict=True))
        live = self.shown(call, place, inputs)
        if live is None:
            return None
        declared = as_declared(inputs, live) if inputs else {name: live[name] for name in (*self.place, *self.fields)}
        return Live(identifier, {**declared, **{name: live[name] for name in self.computed}}, declared)

    def made(self, inputs: Properties, record: dict[str, Any]) -> Live:
        """What was just made."""
        answer = from_api({name: value for name, value in record.items() if name != OWNER_FIELD})
        return Live(record["id"], {**inputs, **{name: answer[name] for name in self.computed}})


class WorkerVersion(_Immutable):
    """`cloudflare:index/workerVersion:WorkerVersion`; a Worker is known by its name."""

    place, fields = ("accountId", "workerId"), _CONTENT
    computed = ("createdOn", "number")
    replace_on = (*place, *_CONTENT, "deploy")

    def path(self, inputs: Properties) -> str:
        account, worker = (segment(inputs[name]) for name in self.place)
        return f"/accounts/{account}/workers/workers/{worker}/versions"

    def check(self, call: Call, inputs: Properties, old_inputs: Properties) -> Properties:
        require_inputs(call, inputs, (*self.place, *_CONTENT[:3], "deploy"), _CONTENT[3:])
        if inputs["deploy"] is True:
            raise InvalidInputsError([Failure(("deploy",), "only false is supported by the local cloudflare provider")])
        return inputs

    def create(self, call: Call, inputs: Properties) -> Live:
        content = to_api({name: inputs[name] for name in _CONTENT if name in inputs})
        return self.made(inputs, self.api().create(f"{self.path(inputs)}?deploy=false", content, call.urn))

    def shown(self, call: Call, place: Properties, inputs: Properties) -> Properties | None:
        live = super().shown(call, place, inputs)
        if live is None:
            return None
        declared = {binding["name"]: binding for binding in inputs.get("bindings") or []}
        bindings = [_as_inherited(binding, declared) for binding in live["bindings"]]
        return {**live, "bindings": bindings, "deploy": inputs.get("deploy", False)}


class WorkersDeployment(_Immutable):
    """`cloudflare:index/workersDeployment:WorkersDeployment`.

    One that another has followed is still there to be read: as with the provider's own, nobody is told that it no
    longer holds.
    """

    place, fields = ("accountId", "scriptName"), _SHARES
    computed = ("createdOn", "source")
    replace_on = (*place, *_SHARES)

    def path(self, inputs: Properties) -> str:
        account, script = (segment(inputs[name]) for name in self.place)
        return f"/accounts/{account}/workers/scripts/{script}/deployments"

    def check(self, call: Call, inputs: Properties, old_inputs: Properties) -> Properties:
        require_inputs(call, inputs, (*self.place, *_SHARES))
        return inputs

    def create(self, call: Call, inputs: Properties) -> Live:
        shares = to_api({name: inputs[name] for name in _SHARES})
        return self.made(inputs, self.api().create(self.path(inputs), shares, call.urn))


def _as_inherited(binding: Properties, declared: dict[str, Properties]) -> Properties:
    """A version shows what it inherited as what that is: where it is there, it counts as declared."""
    own = declared.get(binding["name"], binding)
    return own if own["type"] == "inherit" else binding
