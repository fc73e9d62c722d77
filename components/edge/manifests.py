"""What lies in the edge's key-value namespaces."""

import json
from dataclasses import dataclass
from typing import Any

from components.edge.spec import CredentialSpec, EdgeSpec
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
            value=_json({**_opened(key), **_given({"expires": key.expires, "cidrs": key.cidrs})}),
        )
        for key in spec.api_keys
    ]


def build_tenant_records(spec: EdgeSpec) -> list[KvRecord]:
    """Issuer of tokens -> its tenant and how its tokens are checked; client certificate -> what it opens.

    Raises ValueError if two tenants have one issuer or certificate: one record would take the other's place.
    """
    issuers = [
        KvRecord(
            name=resource_name(issuer.tenant, spec.region, f"issuer-{issuer.id}"),
            key=edge.issuer_key(issuer.issuer),
            value=_json({**issuer.model_dump(exclude={"id"}), "key": issuer.id}),
        )
        for issuer in spec.issuers
    ]
    certificates = [
        KvRecord(
            name=resource_name(certificate.tenant, spec.region, f"certificate-{certificate.id}"),
            key=edge.certificate_key(certificate.authority, certificate.common_name),
            value=_json(_opened(certificate)),
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


def _given(values: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in values.items() if value is not None}


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
            value=_json({"region": route.region, "model": route.model}),
        )
        for route in spec.routes
    ]
    return [*regions, *agents]


def _json(value: dict[str, Any]) -> str:
    return json.dumps(value, sort_keys=True, separators=(",", ":"))
