"""One customer in one region, declared: its place, and its agents in it."""

from collections.abc import Sequence
from dataclasses import dataclass

import pulumi

from components.agent.component import Agent, AgentArgs
from components.agent.sealed import secrets_of
from components.models.component import BucketModel, BucketModelArgs
from components.models.spec import BucketModelSpec
from components.naming import model_claim_name, resource_name
from components.tenant.component import Tenant, TenantArgs
from infra.outputs import AgentOutput, TenantOutput
from infra.plan import TenantPlan
from infra.settings.models import Agent as AgentSettings
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


def declare_tenant(ground: Ground, tenant: TenantPlan, bucket: str) -> Tenant:
    """Declare the customer's place. `bucket` is what its snapshots go to."""
    args = TenantArgs(
        spec=specs.tenant_spec(ground.cell, tenant, ground.models),
        key=specs.tenant_key_spec(ground.cell, tenant, bucket),
        kubernetes=ground.kubernetes,
        aws=ground.aws,
    )
    return Tenant(resource_name(tenant.id, ground.cell.region, "tenant"), args)


def declare_agents(ground: Ground, tenant: TenantPlan, home: Tenant, needs: Sequence[pulumi.Resource]) -> TenantOutput:
    """Declare the customer's agents and the models they run, once its place and `needs` are ready."""
    wanted = specs.bucket_model_specs(ground.cell, tenant, ground.models)
    models = [_bucket_model(ground, spec, home) for spec in wanted]
    held = [*needs, *home.ready, *(each for model in models for each in model.ready)]
    agents = [_agent(ground, tenant, agent, held) for agent in tenant.settings.agents]
    return TenantOutput(tenant.id, home.namespace, agents)


def _bucket_model(ground: Ground, spec: BucketModelSpec, home: Tenant) -> BucketModel:
    args = BucketModelArgs(spec=spec, kubernetes=ground.kubernetes, needs=home.ready)
    return BucketModel(resource_name(spec.tenant, spec.region, model_claim_name(spec.model)), args)


def _agent(ground: Ground, tenant: TenantPlan, agent: AgentSettings, needs: Sequence[pulumi.Resource]) -> AgentOutput:
    skills = skills_spec(agent, ground.bundle, tenant.id)
    spec = specs.agent_spec(ground.cell, tenant, agent, ground.models, skills)
    secrets = secrets_of(spec, ground.agent_secrets)
    made = Agent(
        resource_name(tenant.id, ground.cell.region, agent.name),
        AgentArgs(spec=spec, secrets=secrets, kubernetes=ground.kubernetes, needs=needs),
    )
    receipt_key = secrets[image.RECEIPT_KEY_FILE].apply(public_jwk)
    return AgentOutput(made.sandbox, made.sandbox, pulumi.Output.unsecret(receipt_key))
