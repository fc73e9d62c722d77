"""What lies in the edge's key-value namespaces for one tenant."""

import hashlib
from typing import Any

from components.edge.kv import KvRecord, as_json
from components.edge.tenant_edge_spec import ApiKeySpec, CredentialSpec, RouteSpec, TenantEdgeSpec
from components.naming import resource_name
from runtime.contract import edge, hooks

_HASH_LENGTH = 16


def build_records(spec: TenantEdgeSpec) -> dict[str, list[KvRecord]]:
    """All of a tenant's records, by the Worker's binding of the namespace they lie in."""
    return {
        edge.BINDING_KEYS: build_key_records(spec),
        edge.BINDING_ROUTES: build_route_records(spec),
        edge.BINDING_TENANTS: [
            build_tenant_record(spec),
            *build_origin_records(spec),
            *build_credential_records(spec),
            *build_hook_records(spec),
        ],
    }


def build_key_records(spec: TenantEdgeSpec) -> list[KvRecord]:
    """Keyed hash of an API key -> what it opens."""
    return [_record(spec, f"key-{key.id}", key.hash, {**_opened(spec, key), **_narrowed(key)}) for key in spec.api_keys]


def build_credential_records(spec: TenantEdgeSpec) -> list[KvRecord]:
    """Issuer of tokens -> its tenant and how its tokens are checked; client certificate -> what it opens."""
    issuers = [
        _record(
            spec,
            f"issuer-{issuer.id}",
            edge.issuer_key(issuer.issuer),
            {**issuer.model_dump(exclude={"id"}), "tenant": spec.tenant, "key": issuer.id},
        )
        for issuer in spec.issuers
    ]
    certificates = [
        _record(
            spec,
            f"certificate-{certificate.id}",
            edge.certificate_key(certificate.authority, certificate.common_name),
            _opened(spec, certificate),
        )
        for certificate in spec.certificates
    ]
    return [*issuers, *certificates]


def build_tenant_record(spec: TenantEdgeSpec) -> KvRecord:
    """Tenant -> what it has declared for itself."""
    return _record(spec, "edge", spec.tenant, {"origins": sorted(spec.origins), "limits": spec.limits.record()})


def build_origin_records(spec: TenantEdgeSpec) -> list[KvRecord]:
    """Web origin and tenant -> that this tenant has it.

    Tenants may share an origin: a preflight that passes lets a page ask, and whose key it asks with decides. Each has
    a record of its own, so that a tenant that goes takes no other's with it.
    """
    return [
        # An origin is no DNS label: its name is made from its hash.
        _record(spec, f"origin-{_digest(origin)}", edge.origin_key(origin, spec.tenant), {})
        for origin in sorted(spec.origins)
    ]


def build_hook_records(spec: TenantEdgeSpec) -> list[KvRecord]:
    """Hook -> whose it is, its agent, the live versions of its secret, never that, and where answers are delivered."""
    return [
        _record(
            spec,
            f"hook-{hook.id}",
            hooks.hook_key(hook.id),
            {**hook.model_dump(exclude={"id"}, exclude_none=True), "tenant": spec.tenant},
        )
        for hook in spec.hooks
    ]


def build_route_records(spec: TenantEdgeSpec) -> list[KvRecord]:
    """Agent -> its regions, best first."""
    return [
        _record(spec, f"route-{route.agent}", edge.route_key(spec.tenant, route.agent), _route(route))
        for route in spec.routes
    ]


def _record(spec: TenantEdgeSpec, role: str, key: str, value: dict[str, Any]) -> KvRecord:
    return KvRecord(resource_name(spec.tenant, spec.region, role), key, as_json(value))


def _opened(spec: TenantEdgeSpec, credential: CredentialSpec) -> dict[str, Any]:
    """What a credential is called and opens, as the Worker reads it."""
    narrowed = _given({"models": credential.models, "methods": credential.methods})
    return {"tenant": spec.tenant, "key": credential.id, "agents": credential.agents, **narrowed}


def _narrowed(key: ApiKeySpec) -> dict[str, Any]:
    """How an API key is held beside what it opens: until when, from where, to which limits of its own."""
    limits = None if key.limits is None else key.limits.record()
    return _given({"expires": key.expires, "cidrs": key.cidrs, "limits": limits})


def _given(values: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in values.items() if value is not None}


def _route(route: RouteSpec) -> dict[str, Any]:
    return {"regions": list(route.regions), "state": route.state, **_given({"model": route.model})}


def _digest(origin: str) -> str:
    return hashlib.sha256(origin.encode()).hexdigest()[:_HASH_LENGTH]
