"""A region's network through the real engine: what an account has afterwards, asked of its own API."""

from typing import Any

import pytest

from infra.local.providers.aws.session import Session
from tests.components.specs import NETWORK
from tests.infra.local.providers.conftest import Program

GOING = NETWORK.model_copy(update={"deletion_protection": False})
"""One that may be taken away again."""

PROGRAM = f"""
from components.network.component import Network, NetworkArgs
from components.network.spec import NetworkSpec

spec = NetworkSpec.model_validate_json({GOING.model_dump_json()!r})
network = Network("network", NetworkArgs(spec=spec, aws=local))
pulumi.export("vpc", network.vpc_id)
pulumi.export("private", network.private_subnet_ids)
pulumi.export("database", network.database_subnet_ids)
pulumi.export("public", network.public_subnet_ids)
pulumi.export("groups", network.security_groups)
pulumi.export("nat", network.nat_addresses)
"""


def of_vpc(vpc: str) -> list[dict[str, Any]]:
    return [{"Name": "vpc-id", "Values": [vpc]}]


def check_subnets(ec2: Any, made: dict[str, Any]) -> None:
    """Where the plan has them, and none gives out a public address."""
    subnets = {each["SubnetId"]: each for each in ec2.describe_subnets(Filters=of_vpc(made["vpc"]))["Subnets"]}
    assert set(subnets) == {*made["private"], *made["database"], *made["public"]}
    assert not any(each["MapPublicIpOnLaunch"] for each in subnets.values())
    for kind, attribute in (("private", "nodes"), ("database", "database"), ("public", "public")):
        there = [(subnets[id_]["AvailabilityZone"], subnets[id_]["CidrBlock"]) for id_ in made[kind]]
        ranges = [str(getattr(zone, attribute)) for zone in NETWORK.ranges.zones]
        assert there == list(zip(NETWORK.zones, ranges, strict=True))


def check_routes(ec2: Any, made: dict[str, Any]) -> None:
    """Nodes have the listed ways out, by a NAT gateway; databases none; the edge the internet."""
    tables = ec2.describe_route_tables(Filters=of_vpc(made["vpc"]))["RouteTables"]
    used = {one["SubnetId"]: table for table in tables for one in table["Associations"] if one.get("SubnetId")}
    gateways = {each["NatGatewayId"]: each for each in ec2.describe_nat_gateways()["NatGateways"]}
    listed = {str(each.range) for each in NETWORK.egress}
    for at, subnet in enumerate(made["private"]):
        out = {one["DestinationCidrBlock"]: one for one in used[subnet]["Routes"] if one.get("NatGatewayId")}
        assert set(out) == listed
        assert {gateways[one["NatGatewayId"]]["SubnetId"] for one in out.values()} == {made["public"][at]}
        assert not any(one.get("GatewayId", "").startswith("igw-") for one in used[subnet]["Routes"])
    for subnet in made["database"]:
        assert {one["GatewayId"] for one in used[subnet]["Routes"]} == {"local"}
    for subnet in made["public"]:
        assert any(one.get("GatewayId", "").startswith("igw-") for one in used[subnet]["Routes"])


def check_groups(ec2: Any, made: dict[str, Any]) -> None:
    """Only the tunnel's ports are open to everybody, and the default group has no rule."""
    groups = {
        each["GroupId"]: each for each in ec2.describe_security_groups(Filters=of_vpc(made["vpc"]))["SecurityGroups"]
    }
    open_ = {
        (id_, rule["IpProtocol"], rule["FromPort"], rule["ToPort"])
        for id_, group in groups.items()
        for rule in group["IpPermissions"]
        if any(one["CidrIp"] == "0.0.0.0/0" for one in rule["IpRanges"])
    }
    assert open_ == {(made["groups"]["wireguard"], "udp", *NETWORK.wireguard_ports)}
    (default,) = [group for group in groups.values() if group["GroupName"] == "default"]
    assert (default["IpPermissions"], default["IpPermissionsEgress"]) == ([], [])
    assert groups[made["groups"]["database"]]["IpPermissionsEgress"] == []


def check_endpoints_and_logs(account: Session, ec2: Any, made: dict[str, Any]) -> None:
    """Every service has its endpoint, and the VPC's traffic its log, in a group with a key."""
    endpoints = ec2.describe_vpc_endpoints(Filters=of_vpc(made["vpc"]))["VpcEndpoints"]
    prefix = f"com.amazonaws.{NETWORK.aws_region}."
    assert {each["ServiceName"].removeprefix(prefix) for each in endpoints} == {"s3", *NETWORK.services}
    for each in endpoints:
        if each["VpcEndpointType"] == "Interface":
            assert sorted(each["SubnetIds"]) == sorted(made["private"])
            assert each["PrivateDnsEnabled"]
    (log,) = ec2.describe_flow_logs()["FlowLogs"]
    assert (log["ResourceId"], log["TrafficType"]) == (made["vpc"], "ALL")
    (group,) = account.client("logs").describe_log_groups(logGroupNamePrefix="/moltghost/")["logGroups"]
    assert group["kmsKeyId"].startswith("arn:aws:kms:")
    assert group["retentionInDays"] == NETWORK.flow_log_retention_days


def left_over(account: Session, ec2: Any, before: set[str]) -> dict[str, list[Any]]:
    """What is still there and was not before."""
    there = {
        "vpcs": [each for each in ec2.describe_vpcs()["Vpcs"] if each["VpcId"] not in before],
        "subnets": [each for each in ec2.describe_subnets()["Subnets"] if each["VpcId"] not in before],
        "groups": [each for each in ec2.describe_security_groups()["SecurityGroups"] if each["VpcId"] not in before],
        "addresses": ec2.describe_addresses()["Addresses"],
        "gateways": ec2.describe_internet_gateways()["InternetGateways"],
        "nat": [each for each in ec2.describe_nat_gateways()["NatGateways"] if each["State"] != "deleted"],
        "endpoints": [each for each in ec2.describe_vpc_endpoints()["VpcEndpoints"] if each["State"] != "deleted"],
        "logs": ec2.describe_flow_logs()["FlowLogs"],
        "log groups": account.client("logs").describe_log_groups(logGroupNamePrefix="/moltghost/")["logGroups"],
        "roles": [
            each for each in account.client("iam").list_roles()["Roles"] if each["RoleName"].startswith("platform-")
        ],
    }
    return {name: found for name, found in there.items() if found}


def test_a_network_is_there_as_planned_stays_as_it_is_and_goes(program: Program, account: Session) -> None:
    ec2 = account.client("ec2")
    before = {vpc["VpcId"] for vpc in ec2.describe_vpcs()["Vpcs"]}  # an account has a default one
    program.up(PROGRAM)
    assert program.plan() == {}
    made = program.engine.stack_output()
    check_subnets(ec2, made)
    check_routes(ec2, made)
    check_groups(ec2, made)
    check_endpoints_and_logs(account, ec2, made)

    ec2.authorize_security_group_ingress(
        GroupId=made["groups"]["database"], IpProtocol="tcp", FromPort=5432, ToPort=5432, CidrIp="0.0.0.0/0"
    )
    with pytest.raises(AssertionError):
        check_groups(ec2, made)  # the check sees a hole where there is one

    program.engine.destroy()
    assert left_over(account, ec2, before) == {}
