# ruff: noqa: ARG002 - handlers share one signature, and most need only a part of it
"""A value in Workers KV."""

from collections.abc import Callable

from infra.local.providers.base import Call, Kind, Live
from infra.local.providers.cloudflare.api import Api, GoneError, segment
from infra.local.providers.cloudflare.shapes import split_import_id
from infra.local.providers.properties import Properties
from infra.local.providers.supported import require_inputs

PLACE = ("accountId", "namespaceId", "keyName")


class KvValue(Kind):
    """`cloudflare:index/workersKv:WorkersKv`; its id is the key. A write replaces, so there is no orphan to adopt."""

    replace_on = PLACE

    def __init__(self, api: Callable[[], Api]) -> None:
        self.api = api

    def check(self, call: Call, inputs: Properties, old_inputs: Properties) -> Properties:
        require_inputs(call, inputs, (*PLACE, "value"))
        return inputs

    def create(self, call: Call, inputs: Properties) -> Live:
        return Live(inputs["keyName"], self.update(call, {}, {}, inputs))

    def update(self, call: Call, state: Properties, old_inputs: Properties, inputs: Properties) -> Properties:
        self.api().call("PUT", _path(inputs), content=inputs["value"].encode())
        return dict(inputs)

    def read(self, call: Call, state: Properties, inputs: Properties) -> Live | None:
        known = inputs or state or dict(zip(PLACE, split_import_id(call.id, *PLACE), strict=True))
        place = {name: known[name] for name in PLACE}
        try:
            live = {**place, "value": self.api().send("GET", _path(place)).content.decode()}
        except GoneError:
            return None
        return Live(place["keyName"], live, live)

    def delete(self, call: Call, state: Properties, inputs: Properties) -> None:
        self.api().find("DELETE", _path(inputs or state))


def _path(inputs: Properties) -> str:
    account, namespace, key = (segment(inputs[name]) for name in PLACE)
    return f"/accounts/{account}/storage/kv/namespaces/{namespace}/values/{key}"
