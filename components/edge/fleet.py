"""What holds over the tenants of one edge, whose records lie in the same namespaces though each is written alone.

A second record under one key takes the place of the first, and goes with whichever tenant is taken out. The Worker
holds what one request can show: a key found under another tenant's name is refused. It cannot see who wrote a record.
"""

from collections import defaultdict
from collections.abc import Iterable, Set
from dataclasses import dataclass

from components.edge.tenant_edge_manifests import build_records
from components.edge.tenant_edge_spec import TenantEdgeSpec
from components.labels import AgentId, Region, TenantId


@dataclass(frozen=True)
class SharedKey:
    """One key of a namespace (by its binding) that several tenants write: a hash of an API key, an issuer, a client
    certificate, a hook."""

    binding: str
    key: str
    tenants: tuple[TenantId, ...]


def shared_keys(specs: Iterable[TenantEdgeSpec]) -> list[SharedKey]:
    """The keys that more than one of these tenants writes, or one of them under two specs; none in a sound fleet."""
    writers: dict[tuple[str, str], list[TenantId]] = defaultdict(list)
    for spec in specs:
        for binding, records in build_records(spec).items():
            for record in records:
                writers[binding, record.key].append(spec.tenant)
    return [SharedKey(*where, tuple(tenants)) for where, tenants in sorted(writers.items()) if len(tenants) > 1]


def unknown_regions(spec: TenantEdgeSpec, known: Set[Region]) -> dict[AgentId, tuple[Region, ...]]:
    """The agents whose routes name regions that the edge has no record of, and these regions."""
    missing = {route.agent: tuple(name for name in route.regions if name not in known) for route in spec.routes}
    return {agent: regions for agent, regions in missing.items() if regions}
