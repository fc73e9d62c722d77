"""The dev stack's plan as the specs of its components. Pure: files and secrets come in as values."""

from components.backup.spec import BackupSpec
from components.edge.limits import LimitsSpec
from components.edge.spec import EdgeSpec, EdgeTenantSpec, HookSpec, RegionSpec, RouteSpec
from components.labels import AgentId
from infra.plan import Plan, TenantPlan
from infra.settings.machine import Machine
from infra.stacks import access_specs
from infra.stacks.cell import Cell
from infra.stacks.region_specs import edge_keys
from infra.stacks.tenant_specs import SHORTEST_KEY_DELETION_DAYS


def cell_of(plan: Plan, machine: Machine) -> Cell:
    """The region as its tenants need to know it."""
    aws = plan.settings.region.aws
    return Cell(
        region=plan.region,
        aws_region=aws.region,
        account_id=aws.account_id,
        gateway_namespace=plan.gateway_namespace,
        never=plan.never,
        agent_image=machine.images.agent,
        edge_keys=edge_keys(machine.edge_keys),
        artifacts=machine.models,
    )


def backup_spec(plan: Plan) -> BackupSpec:
    """The region's snapshot bucket."""
    region = plan.settings.region
    return BackupSpec(
        bucket=plan.bucket,
        region=plan.region,
        aws_region=region.aws.region,
        account_id=region.aws.account_id,
        tenants=tuple(tenant.id for tenant in plan.tenants),
        noncurrent_days=region.backup.noncurrent_days,
        lock_days=region.backup.lock_days,
        delete_with_stack=region.backup.delete_with_stack,
        key_deletion_window_days=SHORTEST_KEY_DELETION_DAYS,
    )


def edge_spec(plan: Plan, machine: Machine, script: str) -> EdgeSpec:
    """The edge, with a route to every agent."""
    edge = plan.settings.edge
    return EdgeSpec(
        region=plan.region,
        account_id=edge.account_id,
        zone_id=edge.zone_id,
        hostname=edge.hostname,
        script_name=plan.worker,
        script=script,
        regions={plan.region: RegionSpec(origin=machine.gateway_origin)},
        routes=tuple(
            RouteSpec(tenant=tenant.id, agent=AgentId(agent.name), regions=(plan.region,), model=agent.model)
            for tenant in plan.tenants
            for agent in tenant.settings.agents
        ),
        tenants=tuple(_edge_tenant(tenant) for tenant in plan.tenants),
        hooks=tuple(
            HookSpec(
                id=hook.id,
                tenant=tenant.id,
                agent=AgentId(hook.agent),
                versions=tuple(hook.versions),
                deliver_to=hook.deliver_to,
            )
            for tenant in plan.tenants
            for hook in tenant.settings.hooks
        ),
        api_keys=access_specs.api_key_specs(plan, machine),
        certificates=access_specs.certificate_specs(plan),
        issuers=access_specs.issuer_specs(plan),
    )


def _edge_tenant(tenant: TenantPlan) -> EdgeTenantSpec:
    return EdgeTenantSpec(
        tenant=tenant.id,
        limits=LimitsSpec(**tenant.settings.limits.model_dump()),
        origins=tuple(tenant.settings.origins),
    )
