"""What lies in the edge's two key-value namespaces."""

import json
from dataclasses import dataclass
from typing import Any

from components.edge.spec import EdgeSpec
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
            value=_json({"tenant": key.tenant, "key": key.id, "agents": list(key.agents)}),
        )
        for key in spec.api_keys
    ]


def build_routes(spec: EdgeSpec) -> list[KvRecord]:
    """Agent -> its region, and region -> its gateway."""
    regions = [
        KvRecord(resource_name(PLATFORM, region, "origin"), edge.region_key(region), _json({"origin": origin}))
        for region, origin in spec.origins.items()
    ]
    agents = [
        KvRecord(
            name=resource_name(route.tenant, route.region, f"route-{route.agent}"),
            key=edge.route_key(route.tenant, route.agent),
            value=_json({"region": route.region}),
        )
        for route in spec.routes
    ]
    return [*regions, *agents]


def _json(value: dict[str, Any]) -> str:
    return json.dumps(value, sort_keys=True, separators=(",", ":"))
