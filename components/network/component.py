"""The network component: a region's VPC, its subnets, its ways out and its walls."""

from dataclasses import dataclass

import pulumi
import pulumi_aws as aws

from components.network import manifests
from components.network.addresses import ZoneRanges
from components.network.declaring import Declaring
from components.network.endpoints import declare_s3, declare_services
from components.network.flow_logs import declare_flow_logs
from components.network.groups import declare_database_acl, declare_groups, declare_rules
from components.network.spec import EVERYWHERE, NetworkSpec, Role


@dataclass(frozen=True, kw_only=True)
class NetworkArgs:
    """What a Network is made from; `aws` is the provider of the region's account."""

    spec: NetworkSpec
    aws: pulumi.ProviderResource


class Network(pulumi.ComponentResource):
    """A VPC whose nodes have no public address and reach what is listed.

    Ids of subnets and route tables are in the order of the zones: `private_subnet_ids` for nodes, `database_subnet_ids`
    (no way out at all), `public_subnet_ids` for the WireGuard gateways; NAT gateways are there already.
    `security_groups` are by role. `nat_addresses` are what the outside sees nodes come from. `ready` is what waits for
    a way out, and in, that works: routes, rules, endpoints.
    """

    def __init__(self, name: str, args: NetworkArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("moltghost:network:Network", name, None, opts)
        spec = args.spec
        self._declaring = Declaring(spec=spec, options=pulumi.ResourceOptions(parent=self, provider=args.aws))
        self._vpc = self._declare_vpc()
        nodes, databases, publics = (self._declare_subnets(of) for of in ("nodes", "database", "public"))

        edges = self._declare_public_routes(publics)
        tables, exits = self._declare_private_routes(nodes, publics, edges)
        shut = self._declare_database_routes(databases)
        s3 = declare_s3(self._declaring, self._vpc, [*tables, self._public_table])
        groups = declare_groups(self._declaring, self._vpc)
        rules = declare_rules(self._declaring, groups, s3.prefix_list_id)
        acl = declare_database_acl(self._declaring, self._vpc, databases)
        services = declare_services(self._declaring, self._vpc, nodes, groups["endpoints"])
        logs = declare_flow_logs(self._declaring, self._vpc)

        self.vpc_id: pulumi.Output[str] = self._vpc.id
        self.private_subnet_ids: list[pulumi.Output[str]] = [subnet.id for subnet in nodes]
        self.database_subnet_ids: list[pulumi.Output[str]] = [subnet.id for subnet in databases]
        self.public_subnet_ids: list[pulumi.Output[str]] = [subnet.id for subnet in publics]
        self.private_route_table_ids: list[pulumi.Output[str]] = [table.id for table in tables]
        self.public_route_table_id: pulumi.Output[str] = self._public_table.id
        self.security_groups: dict[Role, pulumi.Output[str]] = {role: group.id for role, group in groups.items()}
        self.ready: list[pulumi.Resource] = [*edges, *exits, *shut, s3, *rules, acl, *services, logs]
        self.register_outputs(
            {
                "vpcId": self.vpc_id,
                "privateSubnetIds": self.private_subnet_ids,
                "databaseSubnetIds": self.database_subnet_ids,
                "publicSubnetIds": self.public_subnet_ids,
                "securityGroups": self.security_groups,
                "natAddresses": self.nat_addresses,
            }
        )

    def _declare_vpc(self) -> aws.ec2.Vpc:
        return aws.ec2.Vpc(
            self._declaring.name("vpc"),
            cidr_block=str(self._declaring.spec.ranges.vpc),
            enable_dns_support=True,
            enable_dns_hostnames=True,  # private names of endpoints need both
            tags=self._declaring.tags("vpc"),
            opts=self._declaring.options,
        )

    def _declare_subnets(self, of: str) -> list[aws.ec2.Subnet]:
        spec = self._declaring.spec
        return [self._subnet(of, zone, ranges) for zone, ranges in zip(spec.zones, spec.ranges.zones, strict=True)]

    def _subnet(self, of: str, zone: str, ranges: ZoneRanges) -> aws.ec2.Subnet:
        role = f"{of}-{zone}"
        marks = manifests.INTERNAL_BALANCERS if of == "nodes" else {}
        return aws.ec2.Subnet(
            self._declaring.name(role),
            vpc_id=self._vpc.id,
            availability_zone=zone,
            cidr_block=str(getattr(ranges, of)),
            map_public_ip_on_launch=False,  # gateways have addresses given to them by name
            tags={**self._declaring.tags(role), **marks},
            opts=self._declaring.options,
        )

    def _table(self, role: str) -> aws.ec2.RouteTable:
        # Its routes are resources of their own: the mesh adds some, and a table that lists its routes would drop them.
        return aws.ec2.RouteTable(
            self._declaring.name(role),
            vpc_id=self._vpc.id,
            tags=self._declaring.tags(role),
            opts=self._declaring.options,
        )

    def _associate(self, role: str, subnet: aws.ec2.Subnet, table: aws.ec2.RouteTable) -> pulumi.CustomResource:
        return aws.ec2.RouteTableAssociation(
            self._declaring.name(role), subnet_id=subnet.id, route_table_id=table.id, opts=self._declaring.options
        )

    def _declare_public_routes(self, publics: list[aws.ec2.Subnet]) -> list[pulumi.CustomResource]:
        """The edge: in and out by the internet gateway."""
        gateway = aws.ec2.InternetGateway(
            self._declaring.name("internet"),
            vpc_id=self._vpc.id,
            tags=self._declaring.tags("internet"),
            opts=self._declaring.options,
        )
        self._public_table = self._table("public")
        route = aws.ec2.Route(
            self._declaring.name("public-default"),
            route_table_id=self._public_table.id,
            destination_cidr_block=str(EVERYWHERE),
            gateway_id=gateway.id,
            opts=self._declaring.options,
        )
        zones = self._declaring.spec.zones
        joined = [
            self._associate(f"public-{zone}", each, self._public_table)
            for zone, each in zip(zones, publics, strict=True)
        ]
        return [gateway, route, *joined]

    def _declare_private_routes(
        self, nodes: list[aws.ec2.Subnet], publics: list[aws.ec2.Subnet], edges: list[pulumi.CustomResource]
    ) -> tuple[list[aws.ec2.RouteTable], list[pulumi.CustomResource]]:
        """A way out for each zone by its own NAT gateway: the loss of a zone costs the others nothing."""
        made: list[pulumi.CustomResource] = []
        tables: list[aws.ec2.RouteTable] = []
        self.nat_addresses: list[pulumi.Output[str]] = []
        for zone, node_subnet, public_subnet in zip(self._declaring.spec.zones, nodes, publics, strict=True):
            nat = self._nat(zone, public_subnet, edges)
            table = self._table(f"nodes-{zone}")
            tables.append(table)
            made += [self._associate(f"nodes-{zone}", node_subnet, table), *self._exits(zone, table, nat)]
        return tables, made

    def _nat(self, zone: str, subnet: aws.ec2.Subnet, edges: list[pulumi.CustomResource]) -> aws.ec2.NatGateway:
        role = f"nat-{zone}"
        name, tags = self._declaring.name(role), self._declaring.tags(role)
        after = self._declaring.after(*edges)
        address = aws.ec2.Eip(name, domain="vpc", tags=tags, opts=after)
        self.nat_addresses.append(address.public_ip)
        return aws.ec2.NatGateway(name, subnet_id=subnet.id, allocation_id=address.id, tags=tags, opts=after)

    def _exits(self, zone: str, table: aws.ec2.RouteTable, nat: aws.ec2.NatGateway) -> list[pulumi.CustomResource]:
        return [
            aws.ec2.Route(
                self._declaring.name(f"nodes-{zone}-to-{str(network).replace('.', '-').replace('/', '-')}"),
                route_table_id=table.id,
                destination_cidr_block=str(network),
                nat_gateway_id=nat.id,
                opts=self._declaring.options,
            )
            for network in manifests.egress_ranges(self._declaring.spec)
        ]

    def _declare_database_routes(self, databases: list[aws.ec2.Subnet]) -> list[pulumi.CustomResource]:
        """A table without a route: databases answer within the VPC."""
        table = self._table("database")
        zones = self._declaring.spec.zones
        return [self._associate(f"database-{zone}", each, table) for zone, each in zip(zones, databases, strict=True)]
