"""A region's own gateways: instances, their addresses, and the VPC's routes to them."""

import base64
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from ipaddress import IPv4Address

import pulumi
import pulumi_aws as aws

from components.labels import Region
from components.naming import PLATFORM, resource_name
from components.network.mesh import manifests
from components.network.mesh.delivery import build_bundle, build_user_data
from components.network.mesh.planning import GatewayId, GatewayPlan, Mesh
from components.network.mesh.spec import (
    GATEWAY_ASN,
    ROUTER_ASN,
    CloudGatewaySpec,
    GatewaysSpec,
    HostSpec,
    MeshSpec,
)

_DISK_GB = 16
_SSM_POLICY = "arn:aws:iam::aws:policy/AmazonSSMManagedInstanceCore"


@dataclass(frozen=True, kw_only=True)
class GatewayAddressesArgs:
    """What GatewayAddresses are made from: a region, and how many gateways it has."""

    region: Region
    planes: Sequence[str]
    aws: pulumi.ProviderResource


class GatewayAddresses(pulumi.ComponentResource):
    """The public addresses of a region's gateways.

    Apart from the gateways, since other sites must be told them first, and since they outlive any instance: an address
    that is lost is a change of every neighbour's configuration. `addresses` and `allocations` are by plane.
    """

    def __init__(self, name: str, args: GatewayAddressesArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("moltghost:network:GatewayAddresses", name, None, opts)
        options = pulumi.ResourceOptions(parent=self, provider=args.aws)
        made = {
            plane: aws.ec2.Eip(
                resource_name(PLATFORM, args.region, f"mesh-{plane}"),
                domain="vpc",
                tags={"Name": f"mesh-{args.region}-{plane}"},
                opts=options,
            )
            for plane in args.planes
        }
        self.addresses: dict[str, pulumi.Output[str]] = {plane: eip.public_ip for plane, eip in made.items()}
        self.allocations: dict[str, pulumi.Output[str]] = {plane: eip.allocation_id for plane, eip in made.items()}
        self.register_outputs({"addresses": self.addresses})


@dataclass(frozen=True, kw_only=True)
class GatewaysArgs:
    """What Gateways are made from. `mesh` is the fleet's, `keys` the secret `moltghost:meshKeys`.

    `subnets` (public ones) and `allocations` (of GatewayAddresses) are by plane. `route_tables` are the tables whose
    packets for other sites go through the gateways.
    """

    spec: GatewaysSpec
    mesh: MeshSpec
    keys: pulumi.Input[str]
    vpc_id: pulumi.Input[str]
    subnets: Mapping[str, pulumi.Input[str]]
    route_tables: Sequence[pulumi.Input[str]]
    security_group: pulumi.Input[str]
    allocations: Mapping[str, pulumi.Input[str]]
    aws: pulumi.ProviderResource


class Gateways(pulumi.ComponentResource):
    """Two instances or more in as many zones, each with its address, its bundle, and a role that reads that alone.

    `instances` are their ids by plane; `ready` is what waits for the mesh to be there.
    """

    def __init__(self, name: str, args: GatewaysArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("moltghost:network:Gateways", name, None, opts)
        self._args, self._spec = args, args.spec
        self._options = pulumi.ResourceOptions(parent=self, provider=args.aws)
        mesh = Mesh(args.mesh)
        plans: dict[str, GatewayPlan] = {
            each.plane: mesh.gateway(GatewayId(args.spec.site, each.plane)) for each in args.spec.gateways
        }

        interfaces: dict[str, aws.ec2.NetworkInterface] = {
            each.plane: self._interface(each) for each in self._spec.gateways
        }
        routing = self._route_server() if self._spec.routing == "route-server" else None
        moved = self._dynamic(routing, interfaces) if routing else self._static(interfaces, plans)

        key = self._key()
        instances = {
            each.plane: self._gateway(each, plans[each.plane], interfaces[each.plane], routing, key)
            for each in self._spec.gateways
        }
        self.instances: dict[str, pulumi.Output[str]] = {plane: each.id for plane, each in instances.items()}
        self.ready: list[pulumi.Resource] = [*instances.values(), *moved]
        self.register_outputs({"instances": self.instances})

    def _called(self, role: str) -> str:
        return resource_name(PLATFORM, self._spec.region, f"mesh-{role}")

    def _interface(self, gateway: CloudGatewaySpec) -> aws.ec2.NetworkInterface:
        """Apart from the instance: its addresses, and the routes to it, stay when the instance is replaced."""
        interface = aws.ec2.NetworkInterface(
            self._called(gateway.plane),
            subnet_id=self._args.subnets[gateway.plane],
            security_groups=[self._args.security_group],
            source_dest_check=False,  # it forwards what is neither from nor to it
            tags={"Name": self._called(gateway.plane)},
            opts=self._options,
        )
        aws.ec2.EipAssociation(
            self._called(gateway.plane),
            allocation_id=self._args.allocations[gateway.plane],
            network_interface_id=interface.id,
            opts=self._options,
        )
        return interface

    def _key(self) -> aws.kms.Key:
        return aws.kms.Key(
            self._called("bundles"),
            description=f"Bundles of the mesh gateways of {self._spec.region}",
            policy=manifests.build_key_policy(self._spec),
            enable_key_rotation=True,
            deletion_window_in_days=self._spec.key_deletion_window_days,
            opts=self._options,
        )

    def _gateway(
        self,
        gateway: CloudGatewaySpec,
        plan: GatewayPlan,
        interface: aws.ec2.NetworkInterface,
        routing: "_RouteServer | None",
        key: aws.kms.Key,
    ) -> aws.ec2.Instance:
        name = self._called(gateway.plane)
        secret = aws.secretsmanager.Secret(
            name,
            name=f"moltghost/{self._spec.region}/mesh/{gateway.plane}",
            description=f"Bundle of mesh gateway {plan.gateway}",
            kms_key_id=key.arn,
            recovery_window_in_days=7,
            opts=self._options,
        )
        # Its own subnet's endpoint alone: it is on link, and a zone that is lost takes both ends of the session.
        routers = [routing.endpoints[gateway.plane].eni_address] if routing else []
        keys = pulumi.Output.secret(self._args.keys)
        bundle: pulumi.Output[str] = pulumi.Output.all(keys, interface.private_ip, *routers).apply(
            lambda known: _packed(self._spec, gateway, plan, known)
        )
        version = aws.secretsmanager.SecretVersion(name, secret_id=secret.id, secret_binary=bundle, opts=self._options)
        profile = self._profile(name, secret, key)
        return self._instance(name, gateway, interface, secret, profile, version)

    def _profile(self, name: str, secret: aws.secretsmanager.Secret, key: aws.kms.Key) -> aws.iam.InstanceProfile:
        role = aws.iam.Role(name, name=name, assume_role_policy=manifests.build_assume_policy(), opts=self._options)
        aws.iam.RolePolicy(
            name,
            role=role.id,
            policy=pulumi.Output.all(secret.arn, key.arn).apply(
                lambda arns: manifests.build_role_policy(arns[0], arns[1])
            ),
            opts=self._options,
        )
        aws.iam.RolePolicyAttachment(name, role=role.name, policy_arn=_SSM_POLICY, opts=self._options)
        return aws.iam.InstanceProfile(name, name=name, role=role.name, opts=self._options)

    def _instance(
        self,
        name: str,
        gateway: CloudGatewaySpec,
        interface: aws.ec2.NetworkInterface,
        secret: aws.secretsmanager.Secret,
        profile: aws.iam.InstanceProfile,
        version: aws.secretsmanager.SecretVersion,
    ) -> aws.ec2.Instance:
        return aws.ec2.Instance(
            name,
            ami=self._spec.image,
            instance_type=self._spec.instance_type,
            availability_zone=gateway.zone,
            primary_network_interface={"network_interface_id": interface.id},
            iam_instance_profile=profile.name,
            user_data=secret.name.apply(lambda known: build_user_data(self._spec.aws_region, known)),
            user_data_replace_on_change=True,
            metadata_options={
                "http_endpoint": "enabled",
                "http_tokens": "required",
                "http_put_response_hop_limit": 1,
                "instance_metadata_tags": "disabled",
            },
            root_block_device={"encrypted": True, "volume_type": "gp3", "volume_size": _DISK_GB},
            maintenance_options={"auto_recovery": "default"},
            tags={"Name": name},
            opts=pulumi.ResourceOptions.merge(self._options, pulumi.ResourceOptions(depends_on=[version])),
        )

    def _route_server(self) -> "_RouteServer":
        """AWS's end of BGP: an endpoint in each gateway's subnet, so that no zone's loss takes both."""
        server = aws.vpc.RouteServer(
            self._called("routes"), amazon_side_asn=ROUTER_ASN, persist_routes="disable", opts=self._options
        )
        joined = aws.vpc.RouteServerVpcAssociation(
            self._called("routes"), route_server_id=server.route_server_id, vpc_id=self._args.vpc_id, opts=self._options
        )
        after = pulumi.ResourceOptions.merge(self._options, pulumi.ResourceOptions(depends_on=[joined]))
        endpoints: dict[str, aws.vpc.RouteServerEndpoint] = {
            each.plane: aws.vpc.RouteServerEndpoint(
                self._called(f"routes-{each.plane}"),
                route_server_id=server.route_server_id,
                subnet_id=self._args.subnets[each.plane],
                opts=after,
            )
            for each in self._spec.gateways
        }
        return _RouteServer(server, endpoints, after)

    def _dynamic(
        self, routing: "_RouteServer", interfaces: Mapping[str, aws.ec2.NetworkInterface]
    ) -> list[pulumi.CustomResource]:
        """Every gateway speaks to its endpoint, and what they say is written into the route tables."""
        peers = [
            aws.vpc.RouteServerPeer(
                self._called(f"routes-{each.plane}"),
                route_server_endpoint_id=routing.endpoints[each.plane].route_server_endpoint_id,
                peer_address=interfaces[each.plane].private_ip,
                bgp_options={"peer_asn": GATEWAY_ASN, "peer_liveness_detection": "bfd"},
                opts=self._options,
            )
            for each in self._spec.gateways
        ]
        tables = [
            aws.vpc.RouteServerPropagation(
                self._called(f"routes-{at}"),
                route_server_id=routing.server.route_server_id,
                route_table_id=table,
                opts=routing.after,
            )
            for at, table in enumerate(self._args.route_tables)
        ]
        return [*peers, *tables]

    def _static(
        self, interfaces: Mapping[str, aws.ec2.NetworkInterface], plans: Mapping[str, GatewayPlan]
    ) -> list[pulumi.CustomResource]:
        """Routes to the first gateway: its loss needs an operator (docs/mesh.md)."""
        first = min(interfaces)
        return [
            aws.ec2.Route(
                self._called(f"route-{at}-{str(network).translate(_HYPHENS)}"),
                route_table_id=table,
                destination_cidr_block=str(network),
                network_interface_id=interfaces[first].id,
                opts=self._options,
            )
            for at, table in enumerate(self._args.route_tables)
            for network in plans[first].neighbour_ranges
        ]


@dataclass(frozen=True)
class _RouteServer:
    server: aws.vpc.RouteServer
    endpoints: dict[str, aws.vpc.RouteServerEndpoint]
    after: pulumi.ResourceOptions


_HYPHENS = str.maketrans("./", "--")


def cloud_host(spec: GatewaysSpec, gateway: CloudGatewaySpec, address: str, routers: Sequence[str]) -> HostSpec:
    """The machine a region's gateway runs on: one interface at `address`, to the Internet and to the VPC."""
    return HostSpec(
        underlay=spec.interface,
        lan=spec.interface,
        address=IPv4Address(address),
        next_hop=gateway.next_hop,
        routers=tuple(IPv4Address(each) for each in routers),
    )


def _packed(spec: GatewaysSpec, gateway: CloudGatewaySpec, plan: GatewayPlan, known: Sequence[str]) -> str:
    keys, address, *routers = known
    return base64.b64encode(build_bundle(plan, cloud_host(spec, gateway, address, routers), keys)).decode()
