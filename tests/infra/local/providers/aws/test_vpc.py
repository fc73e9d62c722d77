"""The network's types against moto."""

import json
from collections.abc import Mapping

from tests.infra.local.providers.aws.described import Case, Inputs, World

POLICY = json.dumps({"Version": "2012-10-17", "Statement": []})
RULE = {"protocol": "tcp", "fromPort": 443, "toPort": 443, "cidrBlocks": ["10.64.0.0/16", "10.65.0.0/16"]}
ENTRY = {
    "ruleNo": 100,
    "action": "allow",
    "protocol": "tcp",
    "fromPort": 443,
    "toPort": 443,
    "cidrBlock": "10.64.0.0/16",
}


def eip_association(world: World) -> Inputs:
    interface = world.session.client("ec2").create_network_interface(SubnetId=world.subnet(world.vpc()))
    return {
        "allocationId": world.address(),
        "networkInterfaceId": interface["NetworkInterface"]["NetworkInterfaceId"],
        "allowReassociation": True,
    }


def flow_log(world: World) -> Inputs:
    world.session.client("logs").create_log_group(logGroupName="/moltghost/flow")
    return {
        "vpcId": world.vpc(),
        "trafficType": "REJECT",
        "logDestination": "arn:aws:logs:ap-southeast-1:123456789012:log-group:/moltghost/flow",
        "iamRoleArn": "arn:aws:iam::123456789012:role/flow",
        "maxAggregationInterval": 60,
        "tags": {"tier": "network"},
    }


def gateway_endpoint(world: World) -> Inputs:
    vpc = world.vpc()
    return {
        "vpcId": vpc,
        "serviceName": "com.amazonaws.ap-southeast-1.s3",
        "vpcEndpointType": "Gateway",
        "routeTableIds": [world.table(vpc), world.table(vpc)],
        "policy": POLICY,
    }


def interface_endpoint(world: World) -> Inputs:
    vpc = world.vpc()
    return {
        "vpcId": vpc,
        "serviceName": "com.amazonaws.ap-southeast-1.ecr.api",
        "vpcEndpointType": "Interface",
        "subnetIds": [world.subnet(vpc, 0), world.subnet(vpc, 1)],
        "securityGroupIds": [world.group(vpc)],
        "privateDnsEnabled": True,
    }


def route(world: World) -> Inputs:
    vpc = world.vpc()
    return {
        "routeTableId": world.table(vpc),
        "destinationCidrBlock": "0.0.0.0/0",
        "gatewayId": world.gateway(vpc),
    }


def to_nat(world: World, first: Inputs) -> Inputs:
    table = world.session.client("ec2").describe_route_tables(RouteTableIds=[first["routeTableId"]])["RouteTables"][0]
    nat = {"subnetId": world.subnet(table["VpcId"]), "allocationId": world.address()}
    return {"gatewayId": None, "natGatewayId": world.id("aws:ec2/natGateway:NatGateway", nat)}


def association(world: World) -> Inputs:
    vpc = world.vpc()
    return {"subnetId": world.subnet(vpc), "routeTableId": world.table(vpc)}


def another_table(world: World, first: Inputs) -> Inputs:
    subnet = world.session.client("ec2").describe_subnets(SubnetIds=[first["subnetId"]])["Subnets"][0]
    return {"routeTableId": world.table(subnet["VpcId"])}


def acl(world: World) -> Inputs:
    vpc = world.vpc()
    return {"vpcId": vpc, "ingress": [ENTRY], "egress": [ENTRY], "subnetIds": [world.subnet(vpc)]}


def acl_association(world: World) -> Inputs:
    vpc = world.vpc()
    return {"networkAclId": world.id("aws:ec2/networkAcl:NetworkAcl", {"vpcId": vpc}), "subnetId": world.subnet(vpc)}


def group_rule(world: World) -> Inputs:
    return {
        "securityGroupId": world.group(world.vpc()),
        "ipProtocol": "udp",
        "fromPort": 51820,
        "toPort": 51820,
        "cidrIpv4": "198.51.100.0/24",
        "description": "peers",
        "tags": {"to": "mesh"},
    }


def between_groups(world: World) -> Inputs:
    vpc = world.vpc()
    return {
        "securityGroupId": world.group(vpc, "a"),
        "referencedSecurityGroupId": world.group(vpc, "b"),
        "ipProtocol": "-1",
    }


CASES: Mapping[str, Case] = {
    "aws:ec2/vpc:Vpc": Case(
        lambda _: {"cidrBlock": "10.64.0.0/16", "enableDnsHostnames": True, "tags": {"Name": "moltghost-sin"}},
        lambda *_: {"enableDnsHostnames": False, "tags": {"Name": "other"}},
        {"cidrBlock": "10.65.0.0/16"},
        {
            "arn": "arn:aws:ec2:ap-southeast-1:123456789012:vpc/vpc-",
            "defaultSecurityGroupId": "sg-",
            "defaultNetworkAclId": "acl-",
            "mainRouteTableId": "rtb-",
            "ownerId": "123456789012",
        },
    ),
    "aws:ec2/vpcIpv4CidrBlockAssociation:VpcIpv4CidrBlockAssociation": Case(
        lambda world: {"vpcId": world.vpc(), "cidrBlock": "10.80.0.0/16"},
        replaces={"cidrBlock": "10.81.0.0/16"},
        tags=False,
    ),
    "aws:ec2/subnet:Subnet": Case(
        lambda world: {
            "vpcId": world.vpc(),
            "cidrBlock": "10.64.1.0/24",
            "availabilityZone": "ap-southeast-1b",
            "mapPublicIpOnLaunch": True,
            "tags": {"kubernetes.io/role/internal-elb": "1"},
        },
        lambda *_: {"mapPublicIpOnLaunch": False},
        {"availabilityZone": "ap-southeast-1a", "cidrBlock": "10.64.2.0/24"},
        {"arn": "arn:aws:ec2:ap-southeast-1:123456789012:subnet/subnet-", "availabilityZoneId": "apse1-az"},
    ),
    "aws:ec2/internetGateway:InternetGateway": Case(
        lambda world: {"vpcId": world.vpc()},
        lambda world, _: {"vpcId": world.vpc()},
        outputs={"arn": "arn:aws:ec2:ap-southeast-1:123456789012:internet-gateway/igw-"},
    ),
    "aws:ec2/eip:Eip": Case(
        lambda _: {"domain": "vpc", "tags": {"Name": "nat"}},
        lambda *_: {"tags": {"Name": "other"}},
        {"domain": "standard"},
        {"allocationId": "eipalloc-", "publicIp": "", "publicDns": "ec2-"},
    ),
    "aws:ec2/eipAssociation:EipAssociation": Case(
        eip_association, replaces={"networkInterfaceId": "eni-2"}, outputs={"publicIp": ""}, tags=False
    ),
    "aws:ec2/natGateway:NatGateway": Case(
        lambda world: {"subnetId": world.subnet(world.vpc()), "allocationId": world.address(), "tags": {"Name": "nat"}},
        lambda *_: {"tags": {}},
        {"allocationId": "eipalloc-2", "subnetId": "subnet-2", "connectivityType": "private"},
        {"publicIp": "", "networkInterfaceId": "eni-"},
    ),
    "aws:ec2/routeTable:RouteTable": Case(
        lambda world: {"vpcId": world.vpc(), "tags": {"Name": "private"}},
        lambda *_: {"tags": {"Name": "public"}},
        {"vpcId": "vpc-2"},
    ),
    "aws:ec2/route:Route": Case(
        route, to_nat, {"destinationCidrBlock": "10.0.0.0/8"}, {"state": "active", "origin": "CreateRoute"}, tags=False
    ),
    "aws:ec2/routeTableAssociation:RouteTableAssociation": Case(
        association, another_table, {"subnetId": "subnet-2"}, tags=False
    ),
    "aws:ec2/vpcEndpoint:VpcEndpoint": Case(
        gateway_endpoint,
        lambda _, first: {"routeTableIds": first["routeTableIds"][:1]},
        {"serviceName": "com.amazonaws.ap-southeast-1.dynamodb"},
        {"state": "available", "arn": "arn:aws:ec2:ap-southeast-1:123456789012:vpc-endpoint/vpce-"},
    ),
    "aws:ec2/vpcEndpoint:VpcEndpoint interface": Case(
        interface_endpoint,
        lambda _, first: {"subnetIds": first["subnetIds"][1:]},
        {"privateDnsEnabled": False},
    ),
    "aws:ec2/flowLog:FlowLog": Case(
        flow_log,
        lambda *_: {"tags": {}},
        {"trafficType": "ALL", "maxAggregationInterval": 600},
        {"arn": "arn:aws:ec2:ap-southeast-1:123456789012:vpc-flow-log/fl-"},
    ),
    "aws:ec2/securityGroup:SecurityGroup": Case(
        lambda world: {
            "vpcId": world.vpc(),
            "name": "gateway",
            "description": "the gateway",
            "ingress": [RULE, {"protocol": "-1", "fromPort": 0, "toPort": 0, "self": True}],
        },
        lambda *_: {"ingress": [RULE | {"fromPort": 80, "toPort": 80}], "egress": [RULE | {"description": "web"}]},
        {"name": "other", "description": "another"},
        {"arn": "arn:aws:ec2:ap-southeast-1:123456789012:security-group/sg-"},
    ),
    "aws:ec2/defaultSecurityGroup:DefaultSecurityGroup": Case(
        lambda world: {"vpcId": world.vpc(), "ingress": [], "egress": [], "tags": {"Name": "unused"}},
        lambda *_: {"ingress": [RULE]},
        {"vpcId": "vpc-2"},
        {"name": "default"},
        stays=True,
    ),
    "aws:vpc/securityGroupIngressRule:SecurityGroupIngressRule": Case(
        group_rule,
        lambda *_: {"cidrIpv4": "203.0.113.0/24", "fromPort": 51821, "toPort": 51821},
        {"securityGroupId": "sg-2"},
        {"securityGroupRuleId": "sgr-", "arn": "arn:aws:ec2:ap-southeast-1:123456789012:security-group-rule/sgr-"},
    ),
    "aws:vpc/securityGroupEgressRule:SecurityGroupEgressRule": Case(
        between_groups, lambda *_: {"tags": {"to": "peers"}}, {"referencedSecurityGroupId": "sg-2"}
    ),
    "aws:ec2/networkAcl:NetworkAcl": Case(
        acl,
        lambda *_: {"ingress": [ENTRY | {"action": "deny"}, ENTRY | {"ruleNo": 110}], "subnetIds": []},
        {"vpcId": "vpc-2"},
        {"arn": "arn:aws:ec2:ap-southeast-1:123456789012:network-acl/acl-"},
    ),
    "aws:ec2/networkAclAssociation:NetworkAclAssociation": Case(
        acl_association, replaces={"networkAclId": "acl-2", "subnetId": "subnet-2"}, tags=False
    ),
}
