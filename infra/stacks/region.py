"""The stack of one region: its way in, its gateways, and what customers' agents stand on."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pulumi

from components.cluster.component import Cluster, ClusterArgs
from components.cluster.spec import PLATFORM_PRIORITY
from components.control_plane.component import ControlPlane, ControlPlaneArgs
from components.control_plane.spec import GATEWAY
from components.edge.origin import Origin, OriginArgs
from components.edge.origin_spec import OriginSpec
from components.ingress.component import Ingress, IngressArgs
from components.ingress.spec import ConnectorSpec
from components.naming import PLATFORM, resource_name
from infra import providers
from infra.outputs import RegionOutputs
from infra.plan import RegionPlan
from infra.plan.cells import dedicated_classes
from infra.stacks import region_specs as specs
from infra.stacks.references import Reference, last_output
from infra.stacks.region_cluster import Around, Grounds, make_cluster
from infra.stacks.region_mesh import place_in
from policies.admission import build_admission_policies


@dataclass(frozen=True)
class _Landing:
    """What everything in the region is made from and put on. `keys` is the JWKS edge tokens are verified with."""

    plan: RegionPlan
    keys: dict[str, Any]
    grounds: Grounds


async def assemble(plan: RegionPlan) -> RegionOutputs:
    """Declare everything the plan says, and say what came of it.

    Raises pulumi.RunError if the kubeconfig leads nowhere, or the `global` stack has not been deployed.
    """
    landing = await _land(plan)
    cluster = _cluster(landing)
    control_plane = _control_plane(landing, cluster)
    pool = _way_in(landing, cluster) if plan.settings.machine is None else None
    aws = plan.settings.region.aws
    return RegionOutputs(
        region=plan.region,
        aws_region=aws.region,
        account_id=aws.account_id,
        backup=plan.cell.backup.model_dump(),
        gateway_namespace=control_plane.gateway_namespace,
        never=[str(network) for network in plan.never],
        agent_image=plan.settings.images.agent,
        edge_keys=landing.keys,
        kubeconfig=landing.grounds.kubeconfig,
        database=landing.grounds.database,
        pool=pool,
        eks=landing.grounds.eks,
        dedicated=dedicated_classes(plan.settings),
        nat_addresses=list(landing.grounds.nat_addresses),
        mesh_addresses=dict(landing.grounds.mesh_addresses),
        site_nodes=dict(landing.grounds.site_nodes),
    )


async def _land(plan: RegionPlan) -> _Landing:
    everywhere, eks = Reference(plan.settings.global_stack), plan.settings.eks
    keys = await everywhere.value("edge_keys")
    if eks is None:
        return _Landing(plan, keys, _given(plan))
    place = place_in(await everywhere.find("mesh"), plan)
    around = Around(place=place, running=_version(await last_output("eks")))
    return _Landing(plan, keys, make_cluster(plan, eks, around))


def _version(last: Any) -> str | None:
    """The version a cluster runs, out of what its stack exported last; None where it has made none yet."""
    return str(last["version"]) if isinstance(last, dict) else None


def _given(plan: RegionPlan) -> Grounds:
    """A cluster that is there already."""
    machine = plan.settings.machine
    try:
        told = machine.kubeconfig if machine else None
        text = providers.read_kubeconfig(Path(told)) if told else pulumi.Config().require("kubeconfig")
        port = providers.api_server_port(text)
    except providers.KubeconfigError as error:
        raise pulumi.RunError(str(error)) from None
    kubeconfig = pulumi.Output.secret(text)
    return Grounds(kubeconfig, port, providers.kubernetes_provider(plan.region, kubeconfig))


def _cluster(landing: _Landing) -> Cluster:
    settings = landing.plan.settings
    spec = specs.cluster_spec(landing.plan.cell, settings.images.agent_sandbox, landing.grounds.api_server_port)
    name = resource_name(PLATFORM, landing.plan.region, "cluster")
    grounds = landing.grounds
    args = ClusterArgs(
        spec=spec,
        kubernetes=grounds.kubernetes,
        volumes_key_arn=grounds.volumes_key_arn,
        admission=build_admission_policies(),
    )
    # Its children wait for it, and it for nodes they can run on.
    options = pulumi.ResourceOptions(depends_on=list(landing.grounds.needs))
    return Cluster(name, args, options)


def _control_plane(landing: _Landing, cluster: Cluster) -> ControlPlane:
    plan, settings = landing.plan, landing.plan.settings
    gateway = specs.gateway_spec(
        plan.cell,
        plan.gateway_namespace,
        settings.images.platform,
        landing.grounds.api_server_port,
        landing.keys,
        settings.machine.tunnel_source if settings.machine else None,
    )
    args = ControlPlaneArgs(gateway=gateway, kubernetes=landing.grounds.kubernetes, needs=cluster.base)
    return ControlPlane(resource_name(PLATFORM, plan.region, "control-plane"), args)


def _way_in(landing: _Landing, cluster: Cluster) -> pulumi.Output[str]:
    """The tunnel, and its connectors in the cluster; the id of the pool that watches it.

    On a machine that plays them there are none.
    """
    plan, settings = landing.plan, landing.plan.settings
    origin = Origin(
        resource_name(PLATFORM, plan.region, "origin"),
        OriginArgs(
            spec=origin_spec(plan),
            tunnel_secret=pulumi.Config().require_secret("tunnelSecret"),
            cloudflare=providers.cloudflare_provider(plan.region),
        ),
    )
    connector = ConnectorSpec(
        region=plan.region,
        namespace=plan.gateway_namespace,
        image=settings.images.cloudflared,
        spread=settings.region.gateway.spread,
        priority_class=PLATFORM_PRIORITY,
    )
    args = IngressArgs(spec=connector, token=origin.token, kubernetes=landing.grounds.kubernetes, needs=cluster.base)
    Ingress(resource_name(PLATFORM, plan.region, "ingress"), args)
    return origin.pool


def origin_spec(plan: RegionPlan) -> OriginSpec:
    """The region's tunnel: from its name in the zone to its gateways."""
    edge = plan.settings.edge
    if edge.location is None:
        raise ValueError("a region whose tunnel is made has a location: the plan's rules let no other pass")
    return OriginSpec(
        region=plan.region,
        account_id=edge.account_id,
        zone_id=edge.zone_id,
        hostname=plan.origin,
        service=f"http://{GATEWAY}.{plan.gateway_namespace}.svc",  # the Service's port, not the pods'
        latitude=edge.location.latitude,
        longitude=edge.location.longitude,
    )
