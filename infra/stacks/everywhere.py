"""The `global` stack: the zone, the Worker, and the table of regions."""

import pulumi

from components.edge.component import Edge, EdgeArgs
from components.edge.manifests import binding_names
from components.edge.operations import Logs, LogsArgs
from components.edge.operations_spec import LogsSpec
from components.edge.rollout import Rollout, RolloutArgs
from components.edge.rollout_spec import RolloutSpec
from components.edge.spec import EdgeSpec, RegionSpec
from components.edge.steering import Steering, SteeringArgs
from components.edge.steering_spec import SteeringSpec
from components.labels import Region
from components.naming import PLATFORM, resource_name
from infra import providers
from infra.outputs import GlobalOutputs, NamespacesOutput
from infra.plan.build import EVERYWHERE, GlobalPlan, origin_hostname
from infra.plan.mesh import mesh_spec
from infra.settings.kinds import EdgeLogs, Steered, TriedVersion
from infra.stacks.references import Reference
from infra.stacks.region_specs import edge_keys
from infra.stacks.remote_gateways import declare_machines
from infra.stacks.worker import read_worker
from infra.stacks.zone import declare_zone


async def assemble(plan: GlobalPlan) -> GlobalOutputs:
    """Declare everything the plan says, and say what came of it.

    Raises pulumi.RunError if the Worker has not been built.
    """
    settings, machine, config = plan.settings, plan.settings.machine, pulumi.Config()
    cloudflare = providers.cloudflare_provider(EVERYWHERE, machine.cloudflare_endpoint if machine else None)
    tunnels = [origin_hostname(region, settings.edge.zone) for region in plan.origins]
    spec = edge_spec(plan, read_worker(machine.worker_script if machine else None))
    edge = Edge(
        resource_name(PLATFORM, EVERYWHERE, "edge"),
        EdgeArgs(
            spec=spec,
            key_pepper=config.require_secret("keyPepper"),
            signing_key=config.require_secret("edgeSigningKey"),
            cloudflare=cloudflare,
            needs=declare_zone(EVERYWHERE, settings.edge, cloudflare, tunnels),
            held=settings.rollout is not None,
        ),
    )
    if settings.rollout is not None:
        _try_version(settings.rollout, spec, edge.script, cloudflare)
    if settings.logs is not None:
        _declare_logs(plan, settings.logs, cloudflare)
    if settings.steering is not None:
        await _steer(settings.steering, settings.edge.zone_id, cloudflare)
    mesh = mesh_spec(settings.mesh, settings.sites) if settings.mesh is not None else None
    if mesh is not None:
        declare_machines(settings, mesh)
    return GlobalOutputs(
        account_id=settings.edge.account_id,
        hostname=edge.hostname,
        edge_keys=edge_keys(settings.edge_keys),
        regions=sorted(plan.origins),
        namespaces=NamespacesOutput(
            keys=pulumi.Output.from_input(edge.namespaces.keys),
            routes=pulumi.Output.from_input(edge.namespaces.routes),
            tenants=pulumi.Output.from_input(edge.namespaces.tenants),
        ),
        mesh=None if mesh is None else mesh.model_dump(mode="json"),
    )


def _try_version(
    tried: TriedVersion, spec: EdgeSpec, script_name: pulumi.Output[str], cloudflare: pulumi.ProviderResource
) -> None:
    rollout = RolloutSpec(
        region=EVERYWHERE,
        account_id=spec.account_id,
        script=spec.script,
        bindings=tuple(binding_names(spec)),
        client_certificates=spec.client_certificates,
        stable=tried.stable,
        percent=tried.percent,
    )
    args = RolloutArgs(spec=rollout, script_name=script_name, cloudflare=cloudflare)
    Rollout(resource_name(PLATFORM, EVERYWHERE, "rollout"), args)


def _declare_logs(plan: GlobalPlan, logs: EdgeLogs, cloudflare: pulumi.ProviderResource) -> None:
    edge, config = plan.settings.edge, pulumi.Config()
    spec = LogsSpec(
        region=EVERYWHERE,
        account_id=edge.account_id,
        zone_id=edge.zone_id,
        script_name=plan.worker,
        requests=logs.requests,
        worker=logs.worker,
    )
    args = LogsArgs(
        spec=spec,
        requests_challenge=config.require_secret("requestsLogChallenge"),
        worker_challenge=config.require_secret("workerLogChallenge"),
        cloudflare=cloudflare,
    )
    Logs(resource_name(PLATFORM, EVERYWHERE, "logs"), args)


async def _steer(steering: Steered, zone_id: str, cloudflare: pulumi.ProviderResource) -> None:
    regions = tuple(map(Region, steering.region_stacks))
    spec = SteeringSpec(region=EVERYWHERE, zone_id=zone_id, hostname=steering.hostname, preferred=regions)
    pools = {region: str(await Reference(steering.region_stacks[region]).value("pool")) for region in regions}
    Steering(
        resource_name(PLATFORM, EVERYWHERE, "steering"), SteeringArgs(spec=spec, pools=pools, cloudflare=cloudflare)
    )


def edge_spec(plan: GlobalPlan, script: str) -> EdgeSpec:
    """The edge, and how it reaches each region."""
    edge = plan.settings.edge
    regions = {
        region: RegionSpec(origin=origin, near=tuple(listed.near), state=listed.state)
        for region, origin in plan.origins.items()
        for listed in [plan.settings.regions[region]]
    }
    return EdgeSpec(
        region=EVERYWHERE,
        account_id=edge.account_id,
        zone_id=edge.zone_id,
        hostname=edge.hostname,
        script_name=plan.worker,
        script=script,
        regions=regions,
        logpush=plan.settings.logs is not None,
        client_certificates=bool(edge.client_cas),
    )
