"""What lies in the edge's key-value namespaces, and what its Worker is bound to for its limits."""

import hashlib
import json
from dataclasses import dataclass
from typing import Any

from components.edge.spec import ApiKeySpec, CredentialSpec, EdgeSpec, RouteSpec
from components.naming import PLATFORM, resource_name
from runtime.contract import edge, hooks, rates

_HASH_LENGTH = 16


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
            value=as_json({**_opened(key), **_narrowed(key)}),
        )
        for key in spec.api_keys
    ]


def build_credential_records(spec: EdgeSpec) -> list[KvRecord]:
    """Issuer of tokens -> its tenant and how its tokens are checked; client certificate -> what it opens.

    Raises ValueError if two tenants have one issuer or certificate: one record would take the other's place.
    """
    issuers = [
        KvRecord(
            name=resource_name(issuer.tenant, spec.region, f"issuer-{issuer.id}"),
            key=edge.issuer_key(issuer.issuer),
            value=as_json({**issuer.model_dump(exclude={"id"}), "key": issuer.id}),
        )
        for issuer in spec.issuers
    ]
    certificates = [
        KvRecord(
            name=resource_name(certificate.tenant, spec.region, f"certificate-{certificate.id}"),
            key=edge.certificate_key(certificate.authority, certificate.common_name),
            value=as_json(_opened(certificate)),
        )
        for certificate in spec.certificates
    ]
    records = [*issuers, *certificates]
    if len({record.key for record in records}) != len(records):
        raise ValueError("two tenants have the same issuer or certificate")
    return records


def _opened(credential: CredentialSpec) -> dict[str, Any]:
    """What a credential is called and opens, as the Worker reads it."""
    narrowed = _given({"models": credential.models, "methods": credential.methods})
    return {"tenant": credential.tenant, "key": credential.id, "agents": credential.agents, **narrowed}


def _narrowed(key: ApiKeySpec) -> dict[str, Any]:
    """How an API key is held beside what it opens: until when, from where, to which limits of its own."""
    limits = None if key.limits is None else key.limits.record()
    return _given({"expires": key.expires, "cidrs": key.cidrs, "limits": limits})


def _given(values: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in values.items() if value is not None}


def build_tenant_records(spec: EdgeSpec) -> list[KvRecord]:
    """Tenant -> what it has declared for itself, and web origin -> that some tenant has it.

    Two tenants may share an origin: a preflight that passes lets a page ask, and whose key it asks with decides.
    """
    tenants = [
        KvRecord(
            name=resource_name(each.tenant, spec.region, "edge"),
            key=each.tenant,
            value=as_json({"origins": sorted(each.origins), "limits": each.limits.record()}),
        )
        for each in spec.tenants
    ]
    origins = sorted({origin for each in spec.tenants for origin in each.origins})
    return [*tenants, *(_origin_record(spec, origin) for origin in origins)]


def _origin_record(spec: EdgeSpec, origin: str) -> KvRecord:
    # An origin is no DNS label: its name is made from its hash.
    digest = hashlib.sha256(origin.encode()).hexdigest()[:_HASH_LENGTH]
    return KvRecord(resource_name(PLATFORM, spec.region, f"origin-{digest}"), edge.origin_key(origin), as_json({}))


def object_binding(name: str, class_name: str) -> dict[str, Any]:
    """A Worker's binding to the Durable Objects of a class it exports."""
    return {"name": name, "type": "durable_object_namespace", "class_name": class_name}


def build_limit_bindings(spec: EdgeSpec) -> list[dict[str, Any]]:
    """The exact limiter and the coarse walls, as a Worker's bindings.

    A wall's counts belong to its `namespace_id`, a number that is the account's own: those made of one region's name
    aren't another's.
    """
    walls = [
        {
            "name": name,
            "type": "ratelimit",
            "namespace_id": str(_wall_namespace(spec.script_name, name)),
            "simple": {"limit": limit, "period": rates.WALL_PERIOD_S},
        }
        for name, limit in rates.WALLS
    ]
    return [object_binding(rates.BINDING_LIMITER, rates.LIMITER_CLASS), *walls]


def build_migrations() -> dict[str, Any]:
    """Makes the classes of objects the Worker keeps, once: Cloudflare keeps the tag and makes nothing twice."""
    classes = [rates.LIMITER_CLASS, hooks.LEDGER_CLASS, hooks.OUTBOX_CLASS]
    return {"new_tag": rates.MIGRATION, "new_sqlite_classes": classes}


def _wall_namespace(script: str, wall: str) -> int:
    # A positive whole number is asked for; 31 bits of a hash are one, and are the same every time.
    return 1 + int.from_bytes(hashlib.sha256(f"{script}/{wall}".encode()).digest()[:4]) % (2**31 - 1)


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
    """A record's value, its fields always in the same order."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"), allow_nan=False)
