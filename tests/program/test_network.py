"""A region's network, as the engine is told of it."""

import json
import warnings
from collections.abc import Callable
from dataclasses import replace
from ipaddress import ip_network
from typing import Any

import pytest

from tests.components.specs import ACCOUNT, NETWORK
from tests.program.recording import Recording, Registered, record_declaring

ZONES = NETWORK.zones
OWN = "platform-sin"


def declare() -> None:
    with warnings.catch_warnings():
        # The SDK warns of its own deprecated classes while it is loaded, used or not.
        warnings.filterwarnings("ignore", ".* has been deprecated in favor of", DeprecationWarning)
        import pulumi_aws as aws

        from components.network.component import Network, NetworkArgs

    account = aws.Provider("aws", region="ap-southeast-1")
    network = Network("network", NetworkArgs(spec=NETWORK, aws=account))
    assert len(network.private_subnet_ids) == len(network.database_subnet_ids) == len(network.public_subnet_ids) == 3
    assert set(network.security_groups) == {"nodes", "cluster", "database", "wireguard", "endpoints"}
    assert len(network.private_route_table_ids) == len(network.nat_addresses) == 3


@pytest.fixture(scope="module")
def network() -> Recording:
    return record_declaring(declare)


def of(network: Recording, kind: str) -> list[Registered]:
    module = "vpc" if kind.startswith("SecurityGroup") and kind.endswith("Rule") else "ec2"
    return network.of(f"aws:{module}/{kind[0].lower()}{kind[1:]}:{kind}")


def named(network: Recording, kind: str, name: str) -> Registered:
    (found,) = [each for each in of(network, kind) if each.name == f"{OWN}-{name}"]
    return found


# What holds of every network. Each returns the names of what breaks it.


def public_on_launch(network: Recording) -> list[str]:
    """Subnets that give a public address to whatever starts in them."""
    return [each.name for each in of(network, "Subnet") if each.inputs.get("mapPublicIpOnLaunch") is not False]


def open_to_everybody(network: Recording) -> list[str]:
    """Ways in from everywhere, but the tunnel's."""
    first, last = NETWORK.wireguard_ports
    tunnel = {"ipProtocol": "udp", "fromPort": first, "toPort": last, "securityGroupId": f"{OWN}-wireguard-id"}
    return [
        each.name
        for each in of(network, "SecurityGroupIngressRule")
        if each.inputs.get("cidrIpv4") == "0.0.0.0/0" and not tunnel.items() <= each.inputs.items()
    ]


def rules_without_one_peer(network: Recording) -> list[str]:
    """Rules that name no peer, or two."""
    peers = ("cidrIpv4", "cidrIpv6", "prefixListId", "referencedSecurityGroupId")
    rules = [*of(network, "SecurityGroupIngressRule"), *of(network, "SecurityGroupEgressRule")]
    return [each.name for each in rules if sum(peer in each.inputs for peer in peers) != 1]


def ways_out_of_databases(network: Recording) -> list[str]:
    """Routes in a table a database's subnet uses."""
    databases = {f"{each.name}-id" for each in of(network, "Subnet") if each.name.startswith(f"{OWN}-database")}
    tables = {
        each.inputs["routeTableId"]
        for each in of(network, "RouteTableAssociation")
        if each.inputs["subnetId"] in databases
    }
    return [each.name for each in of(network, "Route") if each.inputs["routeTableId"] in tables]


def straight_ways_out(network: Recording) -> list[str]:
    """Routes of private subnets past the NAT gateway of their own zone, or to what is not listed."""
    listed = {str(each.range) for each in NETWORK.egress}
    private = {f"{OWN}-nodes-{zone}-id": f"{OWN}-nat-{zone}-id" for zone in ZONES}
    return [
        each.name
        for each in of(network, "Route")
        if each.inputs["routeTableId"] in private
        and (
            each.inputs.get("natGatewayId") != private[each.inputs["routeTableId"]]
            or each.inputs["destinationCidrBlock"] not in listed
        )
    ]


def subnets_without_one_table(network: Recording) -> list[str]:
    """Subnets that fall back on the VPC's main route table, or have two tables."""
    joined = [each.inputs["subnetId"] for each in of(network, "RouteTableAssociation")]
    return [each.name for each in of(network, "Subnet") if joined.count(f"{each.name}-id") != 1]


def unlimited_endpoints(network: Recording) -> list[str]:
    """Endpoints whose policy lets somebody in who is not the account's, to do more than read two buckets."""

    def limited(statement: dict[str, Any]) -> bool:
        condition = statement.get("Condition", {}).get("StringEquals", {})
        reading = (
            statement["Action"] in {"s3:GetObject", "sts:AssumeRoleWithWebIdentity"} and statement["Resource"] != "*"
        )
        return condition.get("aws:PrincipalAccount") == ACCOUNT or reading

    return [
        each.name
        for each in of(network, "VpcEndpoint")
        if not all(
            limited(statement)
            for statement in json.loads(each.inputs.get("policy", '{"Statement": [{}]}'))["Statement"]
        )
    ]


def unnamed(network: Recording) -> list[str]:
    """What has tags, and does not say there whose it is."""
    without = {"Route", "RouteTableAssociation", "RolePolicy", "Alias"}
    return [
        each.name
        for each in network.resources
        if each.custom
        and each.type.startswith("aws:")
        and each.type.rpartition(":")[2] not in without
        and not {"Name", "moltghost:region", "moltghost:role"} <= each.inputs.get("tags", {}).keys()
    ]


INVARIANTS: list[Callable[[Recording], list[str]]] = [
    public_on_launch,
    open_to_everybody,
    rules_without_one_peer,
    ways_out_of_databases,
    straight_ways_out,
    subnets_without_one_table,
    unlimited_endpoints,
    unnamed,
]


@pytest.mark.parametrize("broken_by", INVARIANTS)
def test_what_holds_of_every_network_holds_here(
    network: Recording, broken_by: Callable[[Recording], list[str]]
) -> None:
    assert broken_by(network) == []


def changed(network: Recording, kind: str, name: str, **inputs: Any) -> Recording:
    """The same network with one resource declared otherwise."""
    wrong = named(network, kind, name)
    given = {key: value for key, value in {**wrong.inputs, **inputs}.items() if value is not None}
    others = [each for each in network.resources if each is not wrong]
    return Recording(resources=[*others, replace(wrong, inputs=given)])


ANYBODY = json.dumps({"Statement": [{"Effect": "Allow", "Principal": "*", "Action": "*", "Resource": "*"}]})
NODES = f"nodes-{ZONES[0]}"
TO_CRM = f"{NODES}-to-1-1-1-0-24"
MUTANTS: list[tuple[Callable[[Recording], list[str]], str, str, dict[str, Any]]] = [
    (public_on_launch, "Subnet", NODES, {"mapPublicIpOnLaunch": True}),
    (public_on_launch, "Subnet", f"public-{ZONES[1]}", {"mapPublicIpOnLaunch": None}),
    (open_to_everybody, "SecurityGroupIngressRule", "database-ingress-sql-from-nodes", {"cidrIpv4": "0.0.0.0/0"}),
    (open_to_everybody, "SecurityGroupIngressRule", "wireguard-ingress-tunnel-from-0", {"ipProtocol": "tcp"}),
    (open_to_everybody, "SecurityGroupIngressRule", "wireguard-ingress-tunnel-from-0", {"fromPort": 1}),
    (rules_without_one_peer, "SecurityGroupEgressRule", "nodes-egress-https-to-s3", {"prefixListId": None}),
    (rules_without_one_peer, "SecurityGroupEgressRule", "nodes-egress-https-to-s3", {"cidrIpv4": "10.0.0.0/8"}),
    (ways_out_of_databases, "Route", TO_CRM, {"routeTableId": f"{OWN}-database-id"}),
    (straight_ways_out, "Route", TO_CRM, {"natGatewayId": f"{OWN}-nat-{ZONES[1]}-id"}),
    (straight_ways_out, "Route", TO_CRM, {"natGatewayId": None, "gatewayId": f"{OWN}-internet-id"}),
    (straight_ways_out, "Route", TO_CRM, {"destinationCidrBlock": "0.0.0.0/0"}),
    (subnets_without_one_table, "RouteTableAssociation", NODES, {"subnetId": f"{OWN}-nodes-{ZONES[1]}-id"}),
    (unlimited_endpoints, "VpcEndpoint", "s3", {"policy": ANYBODY}),
    (unlimited_endpoints, "VpcEndpoint", "endpoint-kms", {"policy": ANYBODY}),
    (unnamed, "SecurityGroup", "nodes", {"tags": {"Name": "nodes"}}),
]


@pytest.mark.parametrize(("broken_by", "kind", "name", "inputs"), MUTANTS)
def test_a_network_declared_otherwise_is_found_out(
    network: Recording, broken_by: Callable[[Recording], list[str]], kind: str, name: str, inputs: dict[str, Any]
) -> None:
    assert broken_by(changed(network, kind, name, **inputs)) != []


def test_every_child_is_awaited_and_has_the_region_s_provider(network: Recording) -> None:
    (component,) = network.of("moltghost:network:Network")
    children = [each for each in network.resources if each.custom and not each.type.startswith("pulumi:")]
    assert {each.urn for each in network.resources} <= network.awaited
    assert all(each.parent == component.urn for each in children)
    assert all("pulumi:providers:aws::aws" in each.provider for each in children)


def test_subnets_are_where_the_plan_has_them(network: Recording) -> None:
    for zone, ranges in zip(ZONES, NETWORK.ranges.zones, strict=True):
        for of_ in ("nodes", "database", "public"):
            subnet = named(network, "Subnet", f"{of_}-{zone}").inputs
            assert (subnet["availabilityZone"], ip_network(subnet["cidrBlock"])) == (zone, getattr(ranges, of_))
            assert ("kubernetes.io/role/internal-elb" in subnet["tags"]) == (of_ == "nodes")
            assert "kubernetes.io/role/elb" not in subnet["tags"]


def test_each_zone_has_its_own_way_out_to_every_listed_range(network: Recording) -> None:
    listed = {str(each.range) for each in NETWORK.egress}
    for zone in ZONES:
        assert named(network, "NatGateway", f"nat-{zone}").inputs["subnetId"] == f"{OWN}-public-{zone}-id"
        routes = [
            each.inputs for each in of(network, "Route") if each.inputs["routeTableId"] == f"{OWN}-nodes-{zone}-id"
        ]
        assert {each["destinationCidrBlock"] for each in routes} == listed


def test_the_default_group_has_no_rule(network: Recording) -> None:
    default = named(network, "DefaultSecurityGroup", "default").inputs
    assert not default.get("ingress")
    assert not default.get("egress")


def test_services_are_reached_under_their_own_names_by_nodes_of_every_zone(network: Recording) -> None:
    for service in NETWORK.services:
        endpoint = named(network, "VpcEndpoint", f"endpoint-{service.replace('.', '-')}").inputs
        assert endpoint["serviceName"] == f"com.amazonaws.ap-southeast-1.{service}"
        assert endpoint["privateDnsEnabled"] is True
        assert endpoint["subnetIds"] == [f"{OWN}-nodes-{zone}-id" for zone in ZONES]
        assert endpoint["securityGroupIds"] == [f"{OWN}-endpoints-id"]


def test_s3_is_in_the_tables_of_nodes_and_gateways_and_not_of_databases(network: Recording) -> None:
    tables = named(network, "VpcEndpoint", "s3").inputs["routeTableIds"]
    assert tables == [*(f"{OWN}-nodes-{zone}-id" for zone in ZONES), f"{OWN}-public-id"]


def test_all_traffic_is_logged_where_only_a_key_of_its_own_opens_it(network: Recording) -> None:
    log = named(network, "FlowLog", "flow-logs").inputs
    group = network.one("aws:cloudwatch/logGroup:LogGroup", f"{OWN}-flow-logs").inputs
    key = network.one("aws:kms/key:Key", f"{OWN}-flow-logs").inputs
    assert (log["trafficType"], log["vpcId"]) == ("ALL", f"{OWN}-vpc-id")
    assert group["kmsKeyId"].endswith(f"key/{OWN}-flow-logs")
    assert key["enableKeyRotation"] is True
    assert any(
        each.endswith("rolePolicy:RolePolicy::platform-sin-flow-logs")
        for each in named(network, "FlowLog", "flow-logs").depends_on
    )


def test_the_database_s_acl_is_on_every_database_subnet(network: Recording) -> None:
    acl = named(network, "NetworkAcl", "database").inputs
    assert acl["subnetIds"] == [f"{OWN}-database-{zone}-id" for zone in ZONES]
    assert {each["action"] for each in (*acl["ingress"], *acl["egress"])} == {"allow"}
    assert "0.0.0.0/0" not in {each["cidrBlock"] for each in (*acl["ingress"], *acl["egress"])}
