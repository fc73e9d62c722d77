# ruff: noqa: ARG002 - handlers share one signature, and most need only a part of it
"""Resources the API keeps as records of a collection: KV namespaces, Worker routes, DNS records, rulesets."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from infra.local.cloudflare.protocol import OWNER_FIELD
from infra.local.providers.base import Call, Kind, Live
from infra.local.providers.cloudflare.api import Api, Record, segment
from infra.local.providers.cloudflare.shapes import from_api, split_import_id, to_api
from infra.local.providers.drift import as_declared
from infra.local.providers.properties import Properties
from infra.local.providers.supported import require_inputs


@dataclass(frozen=True)
class Collection:
    """Where records are (`path`, `{}` being the account or zone that the input `scope` names), and their inputs."""

    path: str
    scope: str
    required: Sequence[str]
    optional: Sequence[str] = ()
    computed: Sequence[str] = ()
    fixed: Sequence[str] = ()
    """Inputs that can't change while the record lives."""


NAMESPACES = Collection(
    "/accounts/{}/storage/kv/namespaces", "accountId", required=("title",), computed=("supportsUrlEncoding",)
)
ROUTES = Collection("/zones/{}/workers/routes", "zoneId", required=("pattern",), optional=("script",))
DNS_RECORDS = Collection(
    "/zones/{}/dns_records",
    "zoneId",
    required=("name", "type", "content", "ttl"),
    optional=("comment", "proxied", "tags"),
    computed=("createdOn", "modifiedOn", "proxiable"),
)
RULESETS = Collection(
    "/zones/{}/rulesets",
    "zoneId",
    required=("name", "kind", "phase"),
    optional=("description", "rules"),
    computed=("lastUpdated",),
    fixed=("kind", "phase"),
)


class RecordKind(Kind):
    """A record; its id is the API's."""

    def __init__(self, api: Callable[[], Api], collection: Collection) -> None:
        self.api, self.collection = api, collection
        self.computed = collection.computed  # type: ignore[misc]  # one class serves several types
        self.replace_on = (collection.scope, *collection.fixed)  # type: ignore[misc]

    def check(self, call: Call, inputs: Properties, old_inputs: Properties) -> Properties:
        require_inputs(call, inputs, (self.collection.scope, *self.collection.required), self.collection.optional)
        return inputs

    def create(self, call: Call, inputs: Properties) -> Live:
        path = self._path(inputs)
        orphan = self.api().orphan(path, call.urn, call.known_ids)
        if orphan is None:
            record = self.api().create(path, self._fields(inputs), call.urn)
        else:
            record = self._put(path, orphan["id"], inputs)
        return Live(record["id"], self._state(inputs, record))

    def read(self, call: Call, state: Properties, inputs: Properties) -> Live | None:
        if inputs or state:
            scope, identifier = (inputs or state)[self.collection.scope], call.id
        else:
            scope, identifier = split_import_id(call.id, self.collection.scope, "id")
        record = self.api().find("GET", f"{self._path({self.collection.scope: scope})}/{segment(identifier)}")
        if record is None:
            return None
        live = {self.collection.scope: scope, **from_api(record)}
        names = (self.collection.scope, *self.collection.required, *self.collection.optional)
        declared = as_declared(inputs, live) if inputs else {name: live[name] for name in names if live.get(name)}
        return Live(identifier, self._state(declared, record), declared)

    def update(self, call: Call, state: Properties, old_inputs: Properties, inputs: Properties) -> Properties:
        return self._state(inputs, self._put(self._path(inputs), call.id, inputs))

    def delete(self, call: Call, state: Properties, inputs: Properties) -> None:
        self.api().find("DELETE", f"{self._path(inputs or state)}/{segment(call.id)}")

    def _put(self, path: str, identifier: str, inputs: Properties) -> Record:
        record: Record = self.api().call("PUT", f"{path}/{segment(identifier)}", json=self._fields(inputs))
        return record

    def _path(self, inputs: Properties) -> str:
        return self.collection.path.format(segment(inputs[self.collection.scope]))

    def _fields(self, inputs: Properties) -> Record:
        fields: Record = to_api({name: value for name, value in inputs.items() if name != self.collection.scope})
        return fields

    def _state(self, inputs: Properties, record: Record) -> Properties:
        hidden = ("id", OWNER_FIELD)
        return {**from_api({name: value for name, value in record.items() if name not in hidden}), **inputs}
