"""The dev stack: all of a region, its edge and its tenants, on one machine."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import pulumi

from components.agent.component import Agent, AgentArgs
from components.agent.sealed import secrets_of
from components.backup.component import Backup, BackupArgs
from components.cluster.component import Cluster, ClusterArgs
from components.control_plane.component import ControlPlane, ControlPlaneArgs
from components.edge.component import Edge, EdgeArgs
from components.labels import TenantId
from components.models.component import BucketModel, BucketModelArgs
from components.models.spec import BucketModelSpec
from components.naming import PLATFORM, model_claim_name, resource_name
from components.tenant.component import Tenant, TenantArgs
from components.tenant.key_component import TenantKey, TenantKeyArgs
from infra import providers
from infra.outputs import AgentOutput, EdgeOutput, RegionOutputs, TenantOutput
from infra.plan import Plan, TenantPlan
from infra.settings.machine import Machine
from infra.settings.models import Agent as AgentSettings
from infra.stacks import dev_specs as specs
from infra.stacks.bundles import read_bundles, skills_spec
from infra.stacks.receipt_key import public_jwk
from infra.stacks.zone import declare_zone
from runtime.contract import image
from runtime.skills.bundle import Bundle


@dataclass(frozen=True)
class _Landing:
    """What everything in the stack is made from and put on."""

    plan: Plan
    machine: Machine
    kubernetes: pulumi.ProviderResource
    aws: pulumi.ProviderResource
    bundles: Mapping[TenantId, tuple[Bundle, str]]


def assemble(plan: Plan) -> RegionOutputs:
    """Declare everything the plan says, and say what came of it.

    Raises pulumi.RunError if a file the machine's settings name cannot be used.
    """
    machine = plan.settings.machine
    if machine is None:
        raise pulumi.RunError("moltghost:machine is missing: run `make up`, it writes what only the machine knows")
    try:
        kubeconfig = providers.read_kubeconfig(Path(machine.kubeconfig))
        port = providers.api_server_port(kubeconfig)
        script = Path(machine.worker_script).read_text()
    except (providers.KubeconfigError, OSError) as error:
        raise pulumi.RunError(str(error)) from None
    landing = _Landing(
        plan,
        machine,
        kubernetes=providers.kubernetes_provider(plan.region, kubeconfig),
        aws=providers.local_aws_provider(plan.region, plan.settings.region.aws, machine),
        bundles=read_bundles(plan, machine),
    )
    return _declare(landing, port, script)


def _declare(landing: _Landing, api_server_port: int, script: str) -> RegionOutputs:
    plan, machine = landing.plan, landing.machine
    cluster = Cluster(
        resource_name(PLATFORM, plan.region, "cluster"),
        ClusterArgs(spec=specs.cluster_spec(plan, machine, api_server_port), kubernetes=landing.kubernetes),
    )
    control_plane = ControlPlane(
        resource_name(PLATFORM, plan.region, "control-plane"),
        ControlPlaneArgs(
            gateway=specs.gateway_spec(plan, machine, api_server_port),
            kubernetes=landing.kubernetes,
            needs=cluster.base,
        ),
    )
    tenants = {tenant.id: _tenant(landing, tenant) for tenant in plan.tenants}
    return RegionOutputs(
        region=plan.region,
        gateway_namespace=control_plane.gateway_namespace,
        edge=_edge(landing, script),
        tenants=[_agents(landing, tenant, tenants[tenant.id], cluster.ready) for tenant in plan.tenants],
    )


def _tenant(landing: _Landing, tenant: TenantPlan) -> Tenant:
    args = TenantArgs(
        spec=specs.tenant_spec(landing.plan, tenant),
        kubernetes=landing.kubernetes,
    )
    return Tenant(resource_name(tenant.id, landing.plan.region, "tenant"), args)


def _backup(landing: _Landing, tenant: TenantPlan) -> Backup:
    plan = landing.plan
    key = TenantKey(
        resource_name(tenant.id, plan.region, "key"),
        TenantKeyArgs(spec=specs.tenant_key_spec(plan, tenant), aws=landing.aws),
    )
    return Backup(
        resource_name(tenant.id, plan.region, "backup"),
        BackupArgs(spec=specs.backup_spec(plan, tenant), key_arn=key.arns[plan.region], aws=landing.aws),
    )


def _agents(landing: _Landing, tenant: TenantPlan, home: Tenant, needs: Sequence[pulumi.Resource]) -> TenantOutput:
    models = [_bucket_model(landing, spec, home) for spec in specs.bucket_model_specs(landing.plan, tenant)]
    held = [*needs, *home.ready, *(each for model in models for each in model.ready)]
    agents = [_agent(landing, tenant, agent, held) for agent in tenant.settings.agents]
    return TenantOutput(tenant.id, home.namespace, _backup(landing, tenant).bucket, agents)


def _bucket_model(landing: _Landing, spec: BucketModelSpec, home: Tenant) -> BucketModel:
    args = BucketModelArgs(spec=spec, kubernetes=landing.kubernetes, needs=home.ready)
    return BucketModel(resource_name(spec.tenant, spec.region, model_claim_name(spec.model)), args)


def _agent(
    landing: _Landing, tenant: TenantPlan, agent: AgentSettings, needs: Sequence[pulumi.Resource]
) -> AgentOutput:
    skills = skills_spec(agent, landing.bundles, tenant.id)
    spec = specs.agent_spec(landing.plan, tenant, agent, landing.machine, skills)
    secrets = secrets_of(spec, pulumi.Config().require_secret("agentSecrets"))
    made = Agent(
        resource_name(tenant.id, landing.plan.region, agent.name),
        AgentArgs(spec=spec, secrets=secrets, kubernetes=landing.kubernetes, needs=needs),
    )
    receipt_key = secrets[image.RECEIPT_KEY_FILE].apply(public_jwk)
    return AgentOutput(made.sandbox, made.sandbox, pulumi.Output.unsecret(receipt_key))


def _edge(landing: _Landing, script: str) -> EdgeOutput:
    config = pulumi.Config()
    cloudflare = providers.local_cloudflare_provider(landing.plan.region, landing.machine)
    edge = Edge(
        resource_name(PLATFORM, landing.plan.region, "edge"),
        EdgeArgs(
            spec=specs.edge_spec(landing.plan, landing.machine, script),
            key_pepper=config.require_secret("keyPepper"),
            signing_key=config.require_secret("edgeSigningKey"),
            cloudflare=cloudflare,
            needs=declare_zone(landing.plan, cloudflare),
        ),
    )
    return EdgeOutput(edge.hostname, edge.script)
