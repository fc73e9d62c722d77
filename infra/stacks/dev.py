"""The dev stack: all of a region, its edge and its tenants, on one machine."""

from collections.abc import Sequence
from pathlib import Path

import pulumi

from components.agent.component import Agent, AgentArgs
from components.backup.component import Backup, BackupArgs
from components.cluster.component import Cluster, ClusterArgs
from components.control_plane.component import ControlPlane, ControlPlaneArgs
from components.edge.component import Edge, EdgeArgs
from components.naming import PLATFORM, resource_name
from components.tenant.component import Tenant, TenantArgs
from infra import providers
from infra.outputs import AgentOutput, EdgeOutput, RegionOutputs, TenantOutput
from infra.plan import Plan, TenantPlan
from infra.settings.machine import Machine
from infra.stacks import dev_specs as specs


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

    kubernetes = providers.kubernetes_provider(plan.region, kubeconfig)
    aws = providers.local_aws_provider(plan.region, plan.settings.region.aws, machine)
    cluster = Cluster(
        resource_name(PLATFORM, plan.region, "cluster"),
        ClusterArgs(spec=specs.cluster_spec(plan, machine, port), kubernetes=kubernetes),
    )
    control_plane = ControlPlane(
        resource_name(PLATFORM, plan.region, "control-plane"),
        ControlPlaneArgs(gateway=specs.gateway_spec(plan, machine, port), kubernetes=kubernetes, needs=cluster.ready),
    )
    tenants = {tenant.id: _tenant(plan, tenant, kubernetes, aws, cluster.ready) for tenant in plan.tenants}
    backup = Backup(
        resource_name(PLATFORM, plan.region, "backup"),
        BackupArgs(
            spec=specs.backup_spec(plan),
            tenant_keys={name: tenant.key_arn for name, tenant in tenants.items()},
            aws=aws,
        ),
    )
    return RegionOutputs(
        region=plan.region,
        gateway_namespace=control_plane.gateway_namespace,
        bucket=backup.bucket,
        edge=_edge(plan, machine, script),
        tenants=[_agents(plan, tenant, tenants[tenant.id], machine, kubernetes) for tenant in plan.tenants],
    )


def _tenant(
    plan: Plan,
    tenant: TenantPlan,
    kubernetes: pulumi.ProviderResource,
    aws: pulumi.ProviderResource,
    needs: Sequence[pulumi.Resource],
) -> Tenant:
    args = TenantArgs(
        spec=specs.tenant_spec(plan, tenant),
        key=specs.tenant_key_spec(plan, tenant),
        kubernetes=kubernetes,
        aws=aws,
        needs=needs,
    )
    return Tenant(resource_name(tenant.id, plan.region, "tenant"), args)


def _agents(
    plan: Plan, tenant: TenantPlan, home: Tenant, machine: Machine, kubernetes: pulumi.ProviderResource
) -> TenantOutput:
    agents = [
        Agent(
            resource_name(tenant.id, plan.region, agent.name),
            AgentArgs(spec=specs.agent_spec(plan, tenant, agent, machine), kubernetes=kubernetes, needs=home.ready),
        )
        for agent in tenant.settings.agents
    ]
    named = [AgentOutput(agent.sandbox, agent.sandbox) for agent in agents]
    return TenantOutput(tenant.id, home.namespace, named)


def _edge(plan: Plan, machine: Machine, script: str) -> EdgeOutput:
    config = pulumi.Config()
    edge = Edge(
        resource_name(PLATFORM, plan.region, "edge"),
        EdgeArgs(
            spec=specs.edge_spec(plan, machine, script),
            key_pepper=config.require_secret("keyPepper"),
            signing_key=config.require_secret("edgeSigningKey"),
            cloudflare=providers.local_cloudflare_provider(plan.region, machine),
        ),
    )
    return EdgeOutput(edge.hostname, edge.script)
