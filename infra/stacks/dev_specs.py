"""The dev stack's plan as the specs of its components. Pure: files and secrets come in as values."""

from components.edge.spec import EdgeSpec, RegionSpec
from components.edge.tenant_edge_spec import ApiKeySpec, TenantEdgeSpec
from infra.plan import Plan, TenantPlan
from infra.settings.machine import Machine
from infra.stacks import access_specs
from infra.stacks.cell import Cell
from infra.stacks.region_specs import edge_keys


def cell_of(plan: Plan, machine: Machine) -> Cell:
    """The region as its tenants need to know it."""
    aws = plan.settings.region.aws
    return Cell(
        region=plan.region,
        aws_region=aws.region,
        account_id=aws.account_id,
        backup=plan.settings.region.backup,
        gateway_namespace=plan.gateway_namespace,
        never=plan.never,
        agent_image=machine.images.agent,
        edge_keys=edge_keys(machine.edge_keys),
        artifacts=machine.models,
    )


def edge_spec(plan: Plan, machine: Machine, script: str) -> EdgeSpec:
    """The edge of this one region."""
    edge = plan.settings.edge
    return EdgeSpec(
        region=plan.region,
        account_id=edge.account_id,
        zone_id=edge.zone_id,
        hostname=edge.hostname,
        script_name=plan.worker,
        script=script,
        regions={plan.region: RegionSpec(origin=machine.gateway_origin)},
        client_certificates=bool(edge.client_cas),
    )


def tenant_edge_spec(plan: Plan, tenant: TenantPlan, machine: Machine) -> TenantEdgeSpec:
    """One tenant at the edge, with the key made on this machine."""
    own = [ApiKeySpec(id=key.id, hash=key.hash) for key in machine.api_keys if key.tenant == tenant.id]
    edge = plan.settings.edge
    return access_specs.tenant_edge_spec(tenant.settings, plan.region, edge.account_id, [plan.region], own)
