"""One customer in one region, as the specs of its components. Pure: files and secrets come in as values."""

from collections.abc import Mapping
from ipaddress import IPv4Network

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
from components.backup.spec import BackupSpec, ReplicationSpec, bucket_arn
from components.cluster.devices_spec import LOCAL_CLASS
from components.cluster.spec import AGENT_PRIORITY, MONITORING_NAMESPACE, STORAGE_CLASS
from components.labels import AgentId, TenantId
from components.models.spec import CLAIM_GB, BucketModelSpec
from components.naming import model_claim_name
from components.tenant.spec import AGENT_ACCOUNT, KeyReplicaSpec, QuotaSpec, TenantKeySpec, TenantSpec
from infra.plan import TenantPlan
from infra.plan.build import bucket_name
from infra.settings.models import Agent, Model
from infra.stacks.cell import Cell
from runtime.contract import image

Models = Mapping[str, Model]
"""The models a stack lists, by name."""

SHORTEST_KEY_DELETION_DAYS = 7


def tenant_spec(cell: Cell, tenant: TenantPlan, models: Models) -> TenantSpec:
    """One tenant of the region."""
    return TenantSpec(
        tenant=tenant.id,
        region=cell.region,
        namespace=tenant.namespace,
        quota=_quota(cell, tenant, models),
        supplied_labels=tenant.settings.labels,
        gateway_namespace=cell.gateway_namespace,
        monitoring_namespace=MONITORING_NAMESPACE,
    )


def _quota(cell: Cell, tenant: TenantPlan, models: Models) -> QuotaSpec:
    """The tenant's ceilings as its settings say, and room for the claims on its models that the stack itself makes."""
    buckets = len(bucket_model_specs(cell, tenant, models))
    return QuotaSpec(**tenant.settings.quota.model_dump(), model_claims=buckets, model_claims_gb=buckets * CLAIM_GB)


def snapshot_bucket(tenant: TenantId, cell: Cell) -> str:
    """The name of a customer's snapshot bucket in a region."""
    return bucket_name(tenant, cell.region, cell.account_id)


def tenant_key_spec(tenant: TenantId, home: Cell, other: Cell | None) -> TenantKeySpec:
    """The key of one customer's snapshots, with a replica where it fails over."""
    replica = (
        None
        if other is None
        else KeyReplicaSpec(
            region=other.region, aws_region=other.aws_region, bucket_arn=bucket_arn(snapshot_bucket(tenant, other))
        )
    )
    return TenantKeySpec(
        tenant=tenant,
        region=home.region,
        aws_region=home.aws_region,
        account_id=home.account_id,
        bucket_arn=bucket_arn(snapshot_bucket(tenant, home)),
        deletion_window_days=SHORTEST_KEY_DELETION_DAYS,
        delete_with_stack=home.backup.delete_with_stack,
        replica=replica,
    )


def backup_spec(tenant: TenantId, cell: Cell) -> BackupSpec:
    """One customer's snapshot bucket in a region."""
    return BackupSpec(
        bucket=snapshot_bucket(tenant, cell),
        tenant=tenant,
        region=cell.region,
        aws_region=cell.aws_region,
        account_id=cell.account_id,
        **cell.backup.model_dump(),
    )


def replication_spec(tenant: TenantId, cell: Cell, to: Cell) -> ReplicationSpec:
    """One customer's snapshots, copied from its bucket in one region into that in another."""
    return ReplicationSpec(
        tenant=tenant,
        region=cell.region,
        aws_region=cell.aws_region,
        account_id=cell.account_id,
        bucket=snapshot_bucket(tenant, cell),
        to_region=to.region,
        to_aws_region=to.aws_region,
        to_bucket=snapshot_bucket(tenant, to),
        locked=cell.backup.lock_days is not None,
    )


def agent_spec(
    cell: Cell,
    tenant: TenantPlan,
    agent: Agent,
    models: Models,
    skills: SkillsSpec | None = None,
    *,
    in_two_regions: bool = False,
) -> AgentSpec:
    """One agent of a tenant. `skills` are those of its tenant's bundle it has; one that is in two regions goes on from
    the snapshots in its region's bucket, which has those of the other region too."""
    site = cell.sites.get(agent.name)
    return AgentSpec(
        tenant=tenant.id,
        region=cell.region,
        name=AgentId(agent.name),
        namespace=tenant.namespace,
        image=cell.agent_image,
        model=_model(cell, agent, models),
        skills=skills,
        tools=ToolsSpec(allow=tuple(agent.tools.allow), deny=tuple(agent.tools.deny), exec=agent.tools.exec),
        secrets=(image.RECEIPT_KEY_FILE, *agent.secrets),
        gpu_class=agent.gpu_class,
        dedicated_nodes=site is None and agent.gpu_class in cell.dedicated,
        site=site,
        resume_from=f"s3://{tenant.bucket}/{agent.name}/" if in_two_regions else None,
        cpu=agent.cpu,
        memory_gib=agent.memory_gib,
        volume_gb=agent.volume_gb,
        egress=tuple(EgressSpec(cidr=rule.cidr, ports=tuple(rule.ports)) for rule in agent.egress),
        never=_outermost(cell.never),
        lifecycle=Lifecycle(agent.lifecycle),
        edge_keys=dict(cell.edge_keys),
        storage_class=STORAGE_CLASS if site is None else LOCAL_CLASS,
        priority_class=AGENT_PRIORITY,
        service_account=AGENT_ACCOUNT,
    )


def _model(cell: Cell, agent: Agent, models: Models) -> ModelSpec:
    model = models[agent.model]
    source: ImageSource | ClaimSource
    if model.claim is not None:
        source = ClaimSource(claim=model.claim)
    elif model.bucket is not None:
        source = ClaimSource(claim=model_claim_name(agent.model))
    else:
        source = ImageSource(reference=model.image or cell.artifacts[agent.model])
    return ModelSpec(
        name=agent.model,
        digest=model.digest,
        source=source,
        context_tokens=agent.context_tokens,
        max_tokens=agent.max_tokens,
        keep_alive_s=agent.keep_alive_s,
    )


def bucket_model_specs(cell: Cell, tenant: TenantPlan, models: Models) -> list[BucketModelSpec]:
    """The models in buckets that a tenant's agents run."""
    wanted = sorted({agent.model for agent in tenant.settings.agents})
    return [
        BucketModelSpec(
            tenant=tenant.id,
            region=cell.region,
            namespace=tenant.namespace,
            model=name,
            bucket=bucket.name,
            prefix=bucket.prefix,
            aws_region=cell.aws_region,
        )
        for name in wanted
        if (bucket := models[name].bucket) is not None
    ]


def _outermost(networks: tuple[IPv4Network, ...]) -> tuple[IPv4Network, ...]:
    """The ranges that lie in no other of them."""
    distinct = sorted(set(networks), key=lambda network: (network.prefixlen, network))
    kept: list[IPv4Network] = []
    for network in distinct:
        if not any(network.subnet_of(wider) for wider in kept):
            kept.append(network)
    return tuple(kept)
