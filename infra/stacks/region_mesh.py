"""A region's gateways to other sites: their public addresses first, and they themselves once the sites are told."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pulumi

from components.labels import Region
from components.naming import PLATFORM, resource_name
from components.network.component import Network
from components.network.mesh.component import GatewayAddresses, GatewayAddressesArgs, Gateways, GatewaysArgs
from components.network.mesh.planning import GatewayId, Mesh
from components.network.mesh.spec import PLANES, CloudGatewaySpec, GatewaysSpec, MeshSpec
from components.network.spec import NetworkSpec
from infra.mesh_keys import require_own_halves
from infra.plan import RegionPlan
from infra.plan.sites import Joined, joined, site_faults
from infra.settings.mesh import RegionMesh


@dataclass(frozen=True, kw_only=True)
class MeshGround:
    """What a region's gateways stand in: its network, what that is made of, and the provider of both."""

    network: Network
    spec: NetworkSpec
    aws: pulumi.ProviderResource


def place_in(told: Any, plan: RegionPlan) -> Joined | None:
    """The region's place in the mesh that the global stack exports; None for a region that is not joined.

    Raises pulumi.RunError if it is not listed there, and with everything it is told that it is not.
    """
    if plan.settings.mesh is None or not plan.settings.mesh.joined:
        return None
    place = joined(MeshSpec.model_validate_json(json.dumps(told)), plan.region) if told is not None else None
    if place is None:
        remedy = "list it under moltghost:sites there and deploy that first, or say `joined: false`"
        raise pulumi.RunError(f"{plan.settings.global_stack} knows no site {plan.region}: {remedy} (docs/mesh.md)")
    faults = list(site_faults(plan.settings, place.site))
    if faults:
        said = "".join(f"\n  - {each.field}: {each.message}. {each.remedy}" for each in faults)
        raise pulumi.RunError(f"{plan.settings.global_stack} tells other sites of {plan.region} what it is not:{said}")
    known = place.neighbours
    if strangers := [each.site for each in plan.settings.mesh.nodes_at if each.site not in known]:
        told = f"{plan.settings.global_stack} joins {plan.region} to no site {', '.join(strangers)}"
        remedy = "join it there and deploy that first, or take it out of moltghost:mesh.nodes_at"
        raise pulumi.RunError(f"{told}, whose machines are to be its nodes: {remedy} (docs/mesh.md)")
    return place


def make_gateways(
    plan: RegionPlan, mesh: RegionMesh, place: Joined | None, ground: MeshGround
) -> Mapping[str, pulumi.Output[str]]:
    """Declare the gateways' addresses, and the gateways once the region is joined; the addresses by plane."""
    planes = PLANES[: mesh.gateways]
    args = GatewayAddressesArgs(region=plan.region, planes=planes, aws=ground.aws)
    addresses = GatewayAddresses(_named(plan.region, "mesh-addresses"), args)
    if place is None:
        return addresses.addresses
    network = ground.network
    Gateways(
        _named(plan.region, "mesh"),
        GatewaysArgs(
            spec=gateways_spec(plan, mesh, ground.spec),
            mesh=place.mesh,
            keys=_keys(place),
            vpc_id=network.vpc_id,
            subnets=dict(zip(planes, network.public_subnet_ids, strict=False)),
            route_tables=network.private_route_table_ids,
            security_group=network.security_groups["wireguard"],
            allocations=_told_of(place, addresses),
            aws=ground.aws,
        ),
        pulumi.ResourceOptions(depends_on=network.ready),
    )
    return addresses.addresses


def gateways_spec(plan: RegionPlan, mesh: RegionMesh, network: NetworkSpec) -> GatewaysSpec:
    """The gateways: one a plane, each in the next zone."""
    zones = zip(PLANES[: mesh.gateways], network.zones, network.ranges.zones, strict=False)
    return GatewaysSpec(
        site=plan.region,
        region=plan.region,
        aws_region=plan.cell.aws.region,
        account_id=plan.cell.aws.account_id,
        image=mesh.image,
        instance_type=mesh.instance_type,
        interface=mesh.interface,
        gateways=tuple(
            CloudGatewaySpec(plane=plane, zone=zone, next_hop=ranges.public[1]) for plane, zone, ranges in zones
        ),
        routing=mesh.routing,
    )


def _keys(place: Joined) -> pulumi.Output[str]:
    keys = pulumi.Config().require_secret("meshKeys")
    gateways = [GatewayId(place.site.name, each.plane) for each in place.site.gateways]
    return keys.apply(lambda stored: require_own_halves(stored, Mesh(place.mesh), gateways))


def _told_of(place: Joined, addresses: GatewayAddresses) -> dict[str, pulumi.Output[str]]:
    """The gateways' addresses by plane, as they are given to them: only if they are those the other sites know."""
    known: dict[str, str] = {each.plane: str(each.endpoint) for each in place.site.gateways}
    planes = list(addresses.allocations)
    right: pulumi.Output[None] = pulumi.Output.all(*[addresses.addresses[plane] for plane in planes]).apply(
        lambda made: _require_known(place.site.name, planes, made, known)
    )
    return {
        plane: pulumi.Output.all(allocation, right).apply(lambda both: str(both[0]))
        for plane, allocation in addresses.allocations.items()
    }


def _require_known(site: str, planes: Sequence[str], made: Sequence[str], known: Mapping[str, str]) -> None:
    """Raises pulumi.RunError with every gateway whose address is not what other sites are told."""
    wrong = [
        f"gateway {site}-{plane} has {address}, and other sites are told {known[plane]}"
        for plane, address in zip(planes, made, strict=True)
        if address != known[plane]
    ]
    if wrong:
        remedy = "write what they have into moltghost:sites of the global stack, and deploy it first"
        raise pulumi.RunError(f"{'; '.join(wrong)}: {remedy}")


def _named(region: Region, role: str) -> str:
    return resource_name(PLATFORM, region, role)
