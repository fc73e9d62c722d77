"""The dev stack: all of a region, its edge and its tenants, on one machine."""

from dataclasses import dataclass
from pathlib import Path

import pulumi

from components.backup.component import Backup, BackupArgs
from components.cluster.component import Cluster, ClusterArgs
from components.control_plane.component import ControlPlane, ControlPlaneArgs
from components.edge.component import Edge, EdgeArgs
from components.edge.tenant_edge import TenantEdge, TenantEdgeArgs
from components.naming import PLATFORM, resource_name
from infra import providers
from infra.outputs import DevOutputs, EdgeOutput
from infra.plan import Plan, TenantPlan
from infra.settings.machine import Machine
from infra.stacks import dev_specs as specs
from infra.stacks import region_specs
from infra.stacks.bundles import read_bundle
from infra.stacks.customers import Ground, declare_agents, declare_tenant
from infra.stacks.region_specs import edge_keys
from infra.stacks.worker import read_worker
from infra.stacks.zone import declare_zone


@dataclass(frozen=True)
class _Landing:
    """What everything in the stack is made from and put on."""

    plan: Plan
    machine: Machine
    kubernetes: pulumi.ProviderResource
    aws: pulumi.ProviderResource


async def assemble(plan: Plan) -> DevOutputs:
    """Declare everything the plan says, and say what came of it.

    Raises pulumi.RunError if a file the machine's settings name cannot be used.
    """
    machine = plan.settings.machine
    if machine is None:
        raise pulumi.RunError("moltghost:machine is missing: run `make up`, it writes what only the machine knows")
    try:
        kubeconfig = providers.read_kubeconfig(Path(machine.kubeconfig))
        port = providers.api_server_port(kubeconfig)
    except providers.KubeconfigError as error:
        raise pulumi.RunError(str(error)) from None
    aws = plan.settings.region.aws
    landing = _Landing(
        plan,
        machine,
        kubernetes=providers.kubernetes_provider(plan.region, kubeconfig),
        aws=providers.aws_provider(plan.region, aws.region, aws.account_id, machine.aws_endpoint),
    )
    return _declare(landing, port, read_worker(machine.worker_script))


def _declare(landing: _Landing, api_server_port: int, script: str) -> DevOutputs:
    plan, machine, region = landing.plan, landing.machine, landing.plan.settings.region
    cluster = Cluster(
        resource_name(PLATFORM, plan.region, "cluster"),
        ClusterArgs(
            spec=region_specs.cluster_spec(region, machine.images.agent_sandbox, api_server_port),
            kubernetes=landing.kubernetes,
        ),
    )
    control_plane = ControlPlane(
        resource_name(PLATFORM, plan.region, "control-plane"),
        ControlPlaneArgs(
            gateway=region_specs.gateway_spec(
                region,
                plan.gateway_namespace,
                machine.images.platform,
                api_server_port,
                edge_keys(machine.edge_keys),
                machine.tunnel_source,
            ),
            kubernetes=landing.kubernetes,
            needs=cluster.base,
        ),
    )
    grounds = {tenant.id: _ground(landing, tenant) for tenant in plan.tenants}
    tenants = {each.id: declare_tenant(grounds[each.id], each, plan.bucket) for each in plan.tenants}
    backup = Backup(
        resource_name(PLATFORM, plan.region, "backup"),
        BackupArgs(
            spec=specs.backup_spec(plan),
            tenant_keys={name: tenant.key_arn for name, tenant in tenants.items()},
            aws=landing.aws,
        ),
    )
    return DevOutputs(
        region=plan.region,
        gateway_namespace=control_plane.gateway_namespace,
        bucket=backup.bucket,
        edge=_edge(landing, script),
        tenants=[declare_agents(grounds[each.id], each, tenants[each.id], cluster.ready) for each in plan.tenants],
    )


def _ground(landing: _Landing, tenant: TenantPlan) -> Ground:
    skills = tenant.settings.skills or landing.machine.skills.get(tenant.id)
    return Ground(
        cell=specs.cell_of(landing.plan, landing.machine),
        kubernetes=landing.kubernetes,
        aws=landing.aws,
        models=landing.plan.settings.models,
        bundle=read_bundle(tenant.id, skills),
        agent_secrets=pulumi.Config().require_secret("agentSecrets"),
    )


def _edge(landing: _Landing, script: str) -> EdgeOutput:
    config = pulumi.Config()
    cloudflare = providers.cloudflare_provider(landing.plan.region, landing.machine.cloudflare_endpoint)
    edge = Edge(
        resource_name(PLATFORM, landing.plan.region, "edge"),
        EdgeArgs(
            spec=specs.edge_spec(landing.plan, landing.machine, script),
            key_pepper=config.require_secret("keyPepper"),
            signing_key=config.require_secret("edgeSigningKey"),
            cloudflare=cloudflare,
            needs=declare_zone(landing.plan.region, landing.plan.settings.edge, cloudflare),
        ),
    )
    for tenant in landing.plan.tenants:
        TenantEdge(
            resource_name(tenant.id, landing.plan.region, "edge"),
            TenantEdgeArgs(
                spec=specs.tenant_edge_spec(landing.plan, tenant, landing.machine),
                namespaces=edge.namespaces,
                cloudflare=cloudflare,
            ),
        )
    return EdgeOutput(edge.hostname, edge.script)
