# ruff: noqa: ARG002 - handlers share one signature, and most need only a part of it
"""Resources the API keeps as records of a collection: KV namespaces, Worker routes, DNS records, rulesets, tunnels …"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace

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
    secret: Sequence[str] = ()
    """Inputs the API never gives back."""
    names: Mapping[str, str] = field(default_factory=dict)
    """Inputs whose name is not the API's in another spelling -> the API's."""
    verbatim: Sequence[str] = ()
    """Inputs that are mappings of the user's own names."""


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

TUNNELS = Collection(
    "/accounts/{}/cfd_tunnel",
    "accountId",
    required=("name", "configSrc", "tunnelSecret"),
    computed=("createdOn",),
    fixed=("configSrc",),
    secret=("tunnelSecret",),
)
MONITORS = Collection(
    "/accounts/{}/load_balancers/monitors",
    "accountId",
    required=("type", "method", "path", "expectedCodes", "interval"),
    optional=(
        "port", "header", "retries", "timeout", "consecutiveDown", "consecutiveUp", "allowInsecure", "followRedirects",
        "description",
    ),
    computed=("createdOn", "modifiedOn"),
    verbatim=("header",),
)  # fmt: skip
POOLS = Collection(
    "/accounts/{}/load_balancers/pools",
    "accountId",
    required=("name", "origins"),
    optional=("enabled", "minimumOrigins", "monitor", "description", "latitude", "longitude"),
    computed=("createdOn", "modifiedOn"),
)
BALANCERS = Collection(
    "/zones/{}/load_balancers",
    "zoneId",
    required=("name", "defaultPools", "fallbackPool"),
    optional=("enabled", "proxied", "steeringPolicy", "sessionAffinity", "description"),
    computed=("createdOn", "modifiedOn"),
)
ACCESS_POLICIES = Collection(
    "/accounts/{}/access/policies",
    "accountId",
    required=("name", "decision", "includes"),
    optional=("excludes", "requires", "sessionDuration"),
    computed=("createdOn", "updatedAt"),
    names={"includes": "include", "excludes": "exclude", "requires": "require"},
)
ACCESS_APPLICATIONS = Collection(
    "/accounts/{}/access/apps",
    "accountId",
    required=("name", "domain", "type"),
    optional=(
        "appLauncherVisible", "destinations", "enableBindingCookie", "httpOnlyCookieAttribute", "policies",
        "sameSiteCookieAttribute", "sessionDuration",
    ),
    computed=("aud", "createdOn", "updatedAt"),
)  # fmt: skip
ZONE_LOGPUSH_JOBS = Collection(
    "/zones/{}/logpush/jobs",
    "zoneId",
    required=("name", "dataset", "destinationConf", "ownershipChallenge", "outputOptions"),
    optional=("enabled", "filter"),
    computed=("createdOn",),
    fixed=("dataset",),
    secret=("ownershipChallenge",),
)
ACCOUNT_LOGPUSH_JOBS = replace(ZONE_LOGPUSH_JOBS, path="/accounts/{}/logpush/jobs", scope="accountId")


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
        hidden = {name: inputs[name] for name in self.collection.secret if name in inputs}
        live = {self.collection.scope: scope, **self._properties(record), **hidden}
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
        fields: Record = {}
        for name, value in inputs.items():
            if name in self.collection.verbatim:
                fields[name] = value
            elif name != self.collection.scope:
                fields |= to_api({self.collection.names.get(name, name): value})
        return fields

    def _properties(self, record: Record) -> Properties:
        names = {api: name for name, api in self.collection.names.items()}
        properties: Properties = {}
        for api, value in record.items():
            known = {api: value} if api in self.collection.verbatim else from_api({api: value})
            properties |= {names.get(name, name): one for name, one in known.items()}
        return properties

    def _state(self, inputs: Properties, record: Record) -> Properties:
        hidden = ("id", OWNER_FIELD)
        return {**self._properties({name: value for name, value in record.items() if name not in hidden}), **inputs}
