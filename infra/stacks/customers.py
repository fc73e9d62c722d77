"""One customer in one region, declared: its place, and its agents in it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import pulumi

from components.agent.component import Agent, AgentArgs
from components.agent.sealed import secrets_of
from components.backup.component import Backup, BackupArgs, Replication, ReplicationArgs
from components.labels import Region, TenantId
from components.models.component import BucketModel, BucketModelArgs
from components.models.spec import BucketModelSpec
from components.naming import model_claim_name, resource_name
from components.tenant.component import Tenant, TenantArgs
from components.tenant.key_component import TenantKey, TenantKeyArgs
from infra.outputs import AgentOutput, TenantOutput
from infra.plan import TenantPlan
from infra.settings.models import Agent as AgentSettings
from infra.settings.models import Tenant as TenantSettings
from infra.stacks import tenant_specs as specs
from infra.stacks.bundles import SignedBundle, skills_spec
from infra.stacks.cell import Cell
from infra.stacks.receipt_key import public_jwk
from runtime.contract import image


@dataclass(frozen=True)
class Ground:
    """What a customer's part in a region is made from and put on. `agent_secrets` is a Pulumi secret."""

    cell: Cell
    kubernetes: pulumi.ProviderResource
    aws: pulumi.ProviderResource
    models: specs.Models
    bundle: SignedBundle | None
    agent_secrets: pulumi.Output[str]


def declare_customer(
    grounds: Sequence[Ground], settings: TenantSettings, needs: Sequence[pulumi.Resource] = ()
) -> dict[Region, TenantOutput]:
    """Declare one customer in each of its regions, home first; its agents wait for `needs` too."""
    tenant = TenantId(settings.id)
    buckets = _snapshots(tenant, *grounds)
    in_two_regions = len(grounds) > 1
    places = {ground.cell.region: (ground, _planned(tenant, ground.cell, settings)) for ground in grounds}
    return {
        region: _place(ground, planned, buckets[region], needs, in_two_regions=in_two_regions)
        for region, (ground, planned) in places.items()
    }


def _planned(tenant: TenantId, cell: Cell, settings: TenantSettings) -> TenantPlan:
    namespace = resource_name(tenant, cell.region, "agents")
    return TenantPlan(tenant, namespace, specs.snapshot_bucket(tenant, cell), settings)


def _snapshots(tenant: TenantId, home: Ground, other: Ground | None = None) -> dict[Region, pulumi.Output[str]]:
    """The customer's key, a bucket in each region, and copies both ways where there are two; the buckets' names."""
    key = TenantKey(
        resource_name(tenant, home.cell.region, "key"),
        TenantKeyArgs(
            spec=specs.tenant_key_spec(tenant, home.cell, other.cell if other else None),
            aws=home.aws,
            replica_aws=other.aws if other else None,
        ),
    )
    grounds = [home] if other is None else [home, other]
    buckets = {ground.cell.region: _bucket(tenant, ground, key) for ground in grounds}
    if other is not None:
        _replicate(tenant, home, other, buckets, key)
        _replicate(tenant, other, home, buckets, key)
    return buckets


def _bucket(tenant: TenantId, ground: Ground, key: TenantKey) -> pulumi.Output[str]:
    region = ground.cell.region
    args = BackupArgs(spec=specs.backup_spec(tenant, ground.cell), key_arn=key.arns[region], aws=ground.aws)
    return Backup(resource_name(tenant, region, "backup"), args).bucket


def _replicate(
    tenant: TenantId, source: Ground, to: Ground, buckets: Mapping[Region, pulumi.Output[str]], key: TenantKey
) -> None:
    here, there = source.cell.region, to.cell.region
    args = ReplicationArgs(
        spec=specs.replication_spec(tenant, source.cell, to.cell),
        source=buckets[here],
        destination=buckets[there],
        source_key_arn=key.arns[here],
        destination_key_arn=key.arns[there],
        aws=source.aws,
    )
    Replication(resource_name(tenant, here, "replication"), args)


def _place(
    ground: Ground,
    tenant: TenantPlan,
    bucket: pulumi.Output[str],
    needs: Sequence[pulumi.Resource],
    *,
    in_two_regions: bool,
) -> TenantOutput:
    """The customer's namespace and what holds it, then its agents and the models they run."""
    args = TenantArgs(spec=specs.tenant_spec(ground.cell, tenant, ground.models), kubernetes=ground.kubernetes)
    home = Tenant(resource_name(tenant.id, ground.cell.region, "tenant"), args)
    wanted = specs.bucket_model_specs(ground.cell, tenant, ground.models)
    models = [_bucket_model(ground, spec, home) for spec in wanted]
    held = [*needs, *home.ready, *(each for model in models for each in model.ready)]
    agents = [_agent(ground, tenant, agent, held, in_two_regions) for agent in tenant.settings.agents]
    return TenantOutput(tenant.id, home.namespace, bucket, agents)


def _bucket_model(ground: Ground, spec: BucketModelSpec, home: Tenant) -> BucketModel:
    args = BucketModelArgs(spec=spec, kubernetes=ground.kubernetes, needs=home.ready)
    return BucketModel(resource_name(spec.tenant, spec.region, model_claim_name(spec.model)), args)


def _agent(
    ground: Ground, tenant: TenantPlan, agent: AgentSettings, needs: Sequence[pulumi.Resource], in_two_regions: bool
) -> AgentOutput:
    skills = skills_spec(agent, ground.bundle, tenant.id)
    spec = specs.agent_spec(ground.cell, tenant, agent, ground.models, skills, in_two_regions=in_two_regions)
    secrets = secrets_of(spec, ground.agent_secrets)
    made = Agent(
        resource_name(tenant.id, ground.cell.region, agent.name),
        AgentArgs(spec=spec, secrets=secrets, kubernetes=ground.kubernetes, needs=needs),
    )
    receipt_key = secrets[image.RECEIPT_KEY_FILE].apply(public_jwk)
    return AgentOutput(made.sandbox, made.sandbox, pulumi.Output.unsecret(receipt_key))
