"""The dev stack's plan as the specs of its components. Pure: files and secrets come in as values."""

from ipaddress import IPv4Network
from typing import Any

from components.agent.spec import (
    AgentSpec,
    ClaimSource,
    EgressSpec,
    ImageSource,
    Lifecycle,
    ModelSpec,
    SkillsSpec,
    ToolsSpec,
)
from components.backup.spec import BackupSpec, bucket_arn
from components.cluster.spec import (
    AGENT_PRIORITY,
    MONITORING_NAMESPACE,
    PLATFORM_PRIORITY,
    STORAGE_CLASS,
    ClusterSpec,
    StorageSpec,
)
from components.control_plane.spec import GatewaySpec
from components.edge.limits import LimitsSpec
from components.edge.spec import EdgeSpec, EdgeTenantSpec, HookSpec, RegionSpec, RouteSpec
from components.labels import AgentId
from components.models.spec import CLAIM_GB, BucketModelSpec
from components.naming import model_claim_name
from components.tenant.spec import AGENT_ACCOUNT, QuotaSpec, TenantKeySpec, TenantSpec
from infra.plan import Plan, TenantPlan
from infra.settings.machine import Machine
from infra.settings.models import Agent
from infra.stacks import access_specs
from runtime.contract import image

_SHORTEST_KEY_DELETION_DAYS = 7


def cluster_spec(plan: Plan, machine: Machine, api_server_port: int) -> ClusterSpec:
    """The region's cluster. Where replicas may share a node, a standby controller would guard against nothing."""
    region = plan.settings.region
    return ClusterSpec(
        region=plan.region,
        controller_image=machine.images.agent_sandbox,
        controller_replicas=1 if region.gateway.spread == "relaxed" else 3,
        controller_spread=region.gateway.spread,
        api_server_nodes=region.network.nodes,
        api_server_port=api_server_port,
        storage=StorageSpec(**region.storage.model_dump()),
    )


def gateway_spec(plan: Plan, machine: Machine, api_server_port: int) -> GatewaySpec:
    """The region's gateway."""
    region = plan.settings.region
    return GatewaySpec(
        region=plan.region,
        namespace=plan.gateway_namespace,
        image=machine.images.platform,
        replicas=region.gateway.replicas,
        spread=region.gateway.spread,
        priority_class=PLATFORM_PRIORITY,
        tunnel_source=machine.tunnel_source,
        api_server_nodes=region.network.nodes,
        api_server_port=api_server_port,
        edge_keys=edge_keys(machine),
    )


def tenant_spec(plan: Plan, tenant: TenantPlan) -> TenantSpec:
    """One tenant of the region."""
    return TenantSpec(
        tenant=tenant.id,
        region=plan.region,
        namespace=tenant.namespace,
        quota=_quota(plan, tenant),
        supplied_labels=tenant.settings.labels,
        gateway_namespace=plan.gateway_namespace,
        monitoring_namespace=MONITORING_NAMESPACE,
    )


def _quota(plan: Plan, tenant: TenantPlan) -> QuotaSpec:
    """The tenant's ceilings as its settings say, and room for the claims on its models that the stack itself makes."""
    buckets = len(bucket_model_specs(plan, tenant))
    return QuotaSpec(**tenant.settings.quota.model_dump(), model_claims=buckets, model_claims_gb=buckets * CLAIM_GB)


def tenant_key_spec(plan: Plan, tenant: TenantPlan) -> TenantKeySpec:
    """The key of one tenant's snapshots."""
    return TenantKeySpec(
        tenant=tenant.id,
        region=plan.region,
        aws_region=plan.settings.region.aws.region,
        account_id=plan.settings.region.aws.account_id,
        bucket_arn=bucket_arn(tenant.bucket),
        deletion_window_days=_SHORTEST_KEY_DELETION_DAYS,
        delete_with_stack=plan.settings.region.backup.delete_with_stack,
    )


def agent_spec(
    plan: Plan, tenant: TenantPlan, agent: Agent, machine: Machine, skills: SkillsSpec | None = None
) -> AgentSpec:
    """One agent of a tenant. `skills` are those of its tenant's bundle it has."""
    return AgentSpec(
        tenant=tenant.id,
        region=plan.region,
        name=AgentId(agent.name),
        namespace=tenant.namespace,
        image=machine.images.agent,
        model=_model(plan, agent, machine),
        skills=skills,
        tools=ToolsSpec(allow=tuple(agent.tools.allow), deny=tuple(agent.tools.deny), exec=agent.tools.exec),
        secrets=(image.RECEIPT_KEY_FILE, *agent.secrets),
        gpu_class=agent.gpu_class,
        cpu=agent.cpu,
        memory_gib=agent.memory_gib,
        volume_gb=agent.volume_gb,
        egress=tuple(EgressSpec(cidr=rule.cidr, ports=tuple(rule.ports)) for rule in agent.egress),
        never=_outermost(plan.never),
        lifecycle=Lifecycle(agent.lifecycle),
        edge_keys=edge_keys(machine),
        storage_class=STORAGE_CLASS,
        priority_class=AGENT_PRIORITY,
        service_account=AGENT_ACCOUNT,
    )


def _model(plan: Plan, agent: Agent, machine: Machine) -> ModelSpec:
    model = plan.settings.models[agent.model]
    source: ImageSource | ClaimSource
    if model.claim is not None:
        source = ClaimSource(claim=model.claim)
    elif model.bucket is not None:
        source = ClaimSource(claim=model_claim_name(agent.model))
    else:
        source = ImageSource(reference=model.image or machine.models[agent.model])
    return ModelSpec(
        name=agent.model,
        digest=model.digest,
        source=source,
        context_tokens=agent.context_tokens,
        max_tokens=agent.max_tokens,
        keep_alive_s=agent.keep_alive_s,
    )


def bucket_model_specs(plan: Plan, tenant: TenantPlan) -> list[BucketModelSpec]:
    """The models in buckets that a tenant's agents run."""
    wanted = sorted({agent.model for agent in tenant.settings.agents})
    return [
        BucketModelSpec(
            tenant=tenant.id,
            region=plan.region,
            namespace=tenant.namespace,
            model=name,
            bucket=bucket.name,
            prefix=bucket.prefix,
            aws_region=plan.settings.region.aws.region,
        )
        for name in wanted
        if (bucket := plan.settings.models[name].bucket) is not None
    ]


def backup_spec(plan: Plan, tenant: TenantPlan) -> BackupSpec:
    """One tenant's snapshot bucket."""
    region = plan.settings.region
    return BackupSpec(
        bucket=tenant.bucket,
        tenant=tenant.id,
        region=plan.region,
        aws_region=region.aws.region,
        account_id=region.aws.account_id,
        noncurrent_days=region.backup.noncurrent_days,
        lock_days=region.backup.lock_days,
        delete_with_stack=region.backup.delete_with_stack,
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


def edge_keys(machine: Machine) -> dict[str, Any]:
    """The JWKS of the public keys edge tokens are verified with."""
    return {"keys": [key.model_dump() for key in machine.edge_keys]}


def _outermost(networks: tuple[IPv4Network, ...]) -> tuple[IPv4Network, ...]:
    """The ranges that lie in no other of them."""
    distinct = sorted(set(networks), key=lambda network: (network.prefixlen, network))
    kept: list[IPv4Network] = []
    for network in distinct:
        if not any(network.subnet_of(wider) for wider in kept):
            kept.append(network)
    return tuple(kept)
