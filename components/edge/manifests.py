"""What lies in the edge's key-value namespaces, and what its Worker is bound to for its limits."""

import hashlib
import json
from dataclasses import dataclass
from typing import Any

from components.edge.spec import EdgeSpec
from components.naming import PLATFORM, resource_name
from runtime.contract import edge, rates


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
            value=_json(
                {
                    "tenant": key.tenant,
                    "key": key.id,
                    "agents": list(key.agents),
                    **({} if key.limits is None else {"limits": key.limits.record()}),
                }
            ),
        )
        for key in spec.api_keys
    ]


def build_tenant_records(spec: EdgeSpec) -> list[KvRecord]:
    """Tenant -> what the edge knows of it."""
    return [
        KvRecord(
            name=resource_name(tenant.tenant, spec.region, "edge"),
            key=tenant.tenant,
            value=_json({"limits": tenant.limits.record()}),
        )
        for tenant in spec.tenants
    ]


def build_limit_bindings(spec: EdgeSpec) -> list[dict[str, Any]]:
    """The exact limiter and the coarse walls, as a Worker's bindings.

    A wall's counts belong to its `namespace_id`, a number that is the account's own: those made of one region's name
    aren't another's.
    """
    limiter = {
        "name": rates.BINDING_LIMITER,
        "type": "durable_object_namespace",
        "class_name": rates.LIMITER_CLASS,
    }
    walls = [
        {
            "name": name,
            "type": "ratelimit",
            "namespace_id": str(_wall_namespace(spec.script_name, name)),
            "simple": {"limit": limit, "period": rates.WALL_PERIOD_S},
        }
        for name, limit in rates.WALLS
    ]
    return [limiter, *walls]


def build_migrations() -> dict[str, Any]:
    """Makes the limiter's objects, once: Cloudflare keeps the tag and makes nothing twice."""
    return {"new_tag": rates.LIMITER_MIGRATION, "new_sqlite_classes": [rates.LIMITER_CLASS]}


def _wall_namespace(script: str, wall: str) -> int:
    # A positive whole number is asked for; 31 bits of a hash are one, and are the same every time.
    return 1 + int.from_bytes(hashlib.sha256(f"{script}/{wall}".encode()).digest()[:4]) % (2**31 - 1)


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
