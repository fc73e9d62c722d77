"""What lies in the edge's namespace of tenants."""

import hashlib

from components.edge.manifests import KvRecord, as_json
from components.edge.spec import EdgeSpec
from components.naming import PLATFORM, resource_name
from runtime.contract import edge

_HASH_LENGTH = 16


def build_tenant_records(spec: EdgeSpec) -> list[KvRecord]:
    """Tenant -> what it has declared for itself, and web origin -> that some tenant has it.

    Two tenants may share an origin: a preflight that passes lets a page ask, and whose key it asks with decides.
    """
    tenants = [
        KvRecord(
            name=resource_name(each.tenant, spec.region, "tenant"),
            key=each.tenant,
            value=as_json({"origins": sorted(each.origins)}),
        )
        for each in spec.tenants
    ]
    origins = sorted({origin for each in spec.tenants for origin in each.origins})
    return [*tenants, *(_origin_record(spec, origin) for origin in origins)]


def _origin_record(spec: EdgeSpec, origin: str) -> KvRecord:
    # An origin is no DNS label: its name is made from its hash.
    digest = hashlib.sha256(origin.encode()).hexdigest()[:_HASH_LENGTH]
    return KvRecord(resource_name(PLATFORM, spec.region, f"origin-{digest}"), edge.origin_key(origin), as_json({}))
