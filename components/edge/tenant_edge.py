"""One tenant at the edge: its records in the namespaces that the edge's Worker reads."""

from dataclasses import dataclass

import pulumi

from components.edge.kv_values import declare_records
from components.edge.tenant_edge_manifests import build_records
from components.edge.tenant_edge_spec import TenantEdgeSpec
from runtime.contract import edge


@dataclass(frozen=True, kw_only=True)
class EdgeNamespaces:
    """The ids of the edge's KV namespaces: API keys, the routing table, and what else is known of tenants."""

    keys: pulumi.Input[str]
    routes: pulumi.Input[str]
    tenants: pulumi.Input[str]

    def by_binding(self) -> dict[str, pulumi.Input[str]]:
        """Each id by the name the Worker has the namespace under."""
        return {
            edge.BINDING_KEYS: self.keys,
            edge.BINDING_ROUTES: self.routes,
            edge.BINDING_TENANTS: self.tenants,
        }


@dataclass(frozen=True, kw_only=True)
class TenantEdgeArgs:
    """What a TenantEdge is made from."""

    spec: TenantEdgeSpec
    namespaces: EdgeNamespaces
    cloudflare: pulumi.ProviderResource


class TenantEdge(pulumi.ComponentResource):
    """The routes of a tenant's agents, its credentials, limits, web origins and hooks: no other tenant's is touched."""

    def __init__(self, name: str, args: TenantEdgeArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("moltghost:edge:TenantEdge", name, None, opts)
        options = pulumi.ResourceOptions(parent=self, provider=args.cloudflare)
        namespaces = args.namespaces.by_binding()
        for binding, records in build_records(args.spec).items():
            declare_records(records, args.spec.account_id, namespaces[binding], options)
        self.register_outputs({"tenant": args.spec.tenant})
