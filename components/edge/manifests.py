"""What lies in the edge's key-value namespaces: keys and routes."""

import json
from dataclasses import dataclass
from typing import Any

from components.edge.spec import EdgeSpec, RouteSpec
from components.naming import PLATFORM, resource_name
from runtime.contract import edge


@dataclass(frozen=True)
class KvRecord:
    """One record: `name` is the resource's, `key` and `value` are what the Worker reads."""

    name: str
    key: str
    value: str


def build_key_records(spec: EdgeSpec) -> list[KvRecord]:
    """Keyed hash of an API key -> what it opens. Raises ValueError if two keys have one hash."""
    if len({key.hash for key in spec.api_keys}) != len(spec.api_keys):
        raise ValueError("two API keys have the same hash")
    return [
        KvRecord(
            name=resource_name(key.tenant, spec.region, f"key-{key.id}"),
            key=key.hash,
            value=as_json({"tenant": key.tenant, "key": key.id, "agents": list(key.agents)}),
        )
        for key in spec.api_keys
    ]


def build_routes(spec: EdgeSpec) -> list[KvRecord]:
    """The routing table: agent -> its regions, best first, and region -> its gateways."""
    regions = [
        KvRecord(
            name=resource_name(PLATFORM, name, "origin"),
            key=edge.region_key(name),
            value=as_json({"origin": region.origin, "near": list(region.near), "state": region.state}),
        )
        for name, region in spec.regions.items()
    ]
    agents = [
        KvRecord(
            name=resource_name(route.tenant, spec.region, f"route-{route.agent}"),
            key=edge.route_key(route.tenant, route.agent),
            value=as_json(_route(route)),
        )
        for route in spec.routes
    ]
    return [*regions, *agents]


def _route(route: RouteSpec) -> dict[str, Any]:
    model = {} if route.model is None else {"model": route.model}
    return {"regions": list(route.regions), "state": route.state, **model}


def as_json(value: dict[str, Any]) -> str:
    """A record's value, always in the same order."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"))
