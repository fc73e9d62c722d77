"""A VPC and what stands in it: subnets, gateways, addresses, routes, endpoints, flow logs.

Types and their inputs are those of https://www.pulumi.com/registry/packages/aws/api-docs/ec2/.
"""

from collections.abc import Iterable, Mapping
from typing import Any

from infra.local.providers.aws.ec2 import arn, changed_members, created, deleted, described, ec2_tags, marked, one_of
from infra.local.providers.aws.resource import At, Change, Input, Raw, Ready, ResourceType
from infra.local.providers.aws.shapes import same_json
from infra.local.providers.properties import Properties

ROUTE_TARGETS = {
    "gatewayId": "GatewayId",
    "natGatewayId": "NatGatewayId",
    "networkInterfaceId": "NetworkInterfaceId",
    "transitGatewayId": "TransitGatewayId",
    "vpcPeeringConnectionId": "VpcPeeringConnectionId",
}


def _vpc_attribute(at: At, name: str) -> bool:
    answer = at.client.describe_vpc_attribute(VpcId=at.id, Attribute=name)
    return bool(answer[name[0].upper() + name[1:]]["Value"])


def _find_vpc(at: At) -> Raw | None:
    raw = described("describe_vpcs", "VpcIds", "Vpcs")(at)
    return raw and raw | {name: _vpc_attribute(at, name) for name in VPC_ATTRIBUTES}


def _set_vpc_attributes(at: At, new: Properties, old: Properties) -> None:
    for name in VPC_ATTRIBUTES:
        if new.get(name) is not None and new[name] != old.get(name):
            at.client.modify_vpc_attribute(VpcId=at.id, **{name[0].upper() + name[1:]: {"Value": new[name]}})


def _of_vpc(operation: str, path: str, filters: Mapping[str, str]) -> Any:
    """An output that is looked up: what a VPC got of itself when it was made."""

    def look(at: At, _: Raw) -> str | None:
        wanted = [{"Name": name, "Values": [value]} for name, value in {"vpc-id": at.id, **filters}.items()]
        kind, name = path.split(".")
        found = getattr(at.client, operation)(Filters=wanted)[kind]
        return str(found[0][name]) if found else None

    return look


VPC_ATTRIBUTES = ("enableDnsHostnames", "enableDnsSupport", "enableNetworkAddressUsageMetrics")
MAIN_ROUTE_TABLE = _of_vpc("describe_route_tables", "RouteTables.RouteTableId", {"association.main": "true"})
VPC = ResourceType(
    service="ec2",
    inputs={
        "cidrBlock": Input("CidrBlock", required=True, replaces=True),
        "instanceTenancy": Input("InstanceTenancy", replaces=True, default="default"),
        **{name: Input(live=name) for name in VPC_ATTRIBUTES if name != "enableDnsSupport"},
        "enableDnsSupport": Input(live="enableDnsSupport", default=True),
    },
    create=created("create_vpc", "Vpc.VpcId"),
    find=_find_vpc,
    changes=[Change(VPC_ATTRIBUTES, _set_vpc_attributes, after_create=True)],
    delete=deleted("delete_vpc", "VpcId"),
    tagging=ec2_tags("vpc"),
    orphans=marked("describe_vpcs", "Vpcs[].VpcId"),
    outputs={
        "arn": arn("vpc"),
        "ownerId": "OwnerId",
        "dhcpOptionsId": "DhcpOptionsId",
        "defaultSecurityGroupId": _of_vpc(
            "describe_security_groups", "SecurityGroups.GroupId", {"group-name": "default"}
        ),
        "defaultNetworkAclId": _of_vpc("describe_network_acls", "NetworkAcls.NetworkAclId", {"default": "true"}),
        "defaultRouteTableId": MAIN_ROUTE_TABLE,
        "mainRouteTableId": MAIN_ROUTE_TABLE,
    },
)


def _cidr_associations(at: At) -> Iterable[Raw]:
    for vpc in at.client.describe_vpcs()["Vpcs"]:
        for one in vpc.get("CidrBlockAssociationSet") or []:
            if one["CidrBlockState"]["State"] in ("associating", "associated"):
                yield one | {"VpcId": vpc["VpcId"]}


VPC_CIDR = ResourceType(
    service="ec2",
    inputs={
        "vpcId": Input("VpcId", required=True, replaces=True),
        "cidrBlock": Input("CidrBlock", required=True, replaces=True),
    },
    create=created("associate_vpc_cidr_block", "CidrBlockAssociation.AssociationId"),
    find=lambda at: next((one for one in _cidr_associations(at) if one["AssociationId"] == at.id), None),
    delete=deleted("disassociate_vpc_cidr_block", "AssociationId"),
    orphans=lambda at, inputs, _: [
        one["AssociationId"]
        for one in _cidr_associations(at)
        if (one["VpcId"], one["CidrBlock"]) == (inputs["vpcId"], inputs["cidrBlock"])
    ],
)


def _set_subnet_attributes(at: At, new: Properties, old: Properties) -> None:
    for name in SUBNET_ATTRIBUTES:
        if (wanted := bool(new.get(name))) != bool(old.get(name)):
            at.client.modify_subnet_attribute(SubnetId=at.id, **{name[0].upper() + name[1:]: {"Value": wanted}})


SUBNET_ATTRIBUTES = ("mapPublicIpOnLaunch", "assignIpv6AddressOnCreation")
SUBNET = ResourceType(
    service="ec2",
    inputs={
        "vpcId": Input("VpcId", required=True, replaces=True),
        "cidrBlock": Input("CidrBlock", required=True, replaces=True),
        "availabilityZone": Input("AvailabilityZone", replaces=True),
        "availabilityZoneId": Input("AvailabilityZoneId", replaces=True),
        "mapPublicIpOnLaunch": Input(live="MapPublicIpOnLaunch", default=False),
        "assignIpv6AddressOnCreation": Input(live="AssignIpv6AddressOnCreation", default=False),
    },
    create=created("create_subnet", "Subnet.SubnetId"),
    find=described("describe_subnets", "SubnetIds", "Subnets"),
    changes=[Change(SUBNET_ATTRIBUTES, _set_subnet_attributes, after_create=True)],
    delete=deleted("delete_subnet", "SubnetId"),
    tagging=ec2_tags("subnet"),
    orphans=marked("describe_subnets", "Subnets[].SubnetId"),
    ready=Ready("State", ("available",)),
    outputs={"arn": arn("subnet"), "ownerId": "OwnerId"},
    rules=[one_of("availabilityZone", "availabilityZoneId", needed=False)],
)


def _attach_gateway(at: At, new: Properties, old: Properties) -> None:
    if old.get("vpcId"):
        at.client.detach_internet_gateway(InternetGatewayId=at.id, VpcId=old["vpcId"])
    if new.get("vpcId"):
        at.client.attach_internet_gateway(InternetGatewayId=at.id, VpcId=new["vpcId"])


def _delete_gateway(at: At, raw: Raw, _: Properties) -> None:
    for attachment in raw.get("Attachments") or []:
        at.client.detach_internet_gateway(InternetGatewayId=at.id, VpcId=attachment["VpcId"])
    at.client.delete_internet_gateway(InternetGatewayId=at.id)


INTERNET_GATEWAY = ResourceType(
    service="ec2",
    inputs={"vpcId": Input(live="Attachments[0].VpcId")},
    create=created("create_internet_gateway", "InternetGateway.InternetGatewayId"),
    find=described("describe_internet_gateways", "InternetGatewayIds", "InternetGateways"),
    changes=[Change(["vpcId"], _attach_gateway, after_create=True)],
    delete=_delete_gateway,
    tagging=ec2_tags("internet-gateway"),
    orphans=marked("describe_internet_gateways", "InternetGateways[].InternetGatewayId"),
    outputs={"arn": arn("internet-gateway"), "ownerId": "OwnerId"},
)


def _associate(at: At, new: Properties, _: Properties) -> None:
    address = at.client.describe_addresses(AllocationIds=[at.id])["Addresses"][0]
    if address.get("AssociationId"):
        at.client.disassociate_address(AssociationId=address["AssociationId"])
    target = {"InstanceId": new.get("instance"), "NetworkInterfaceId": new.get("networkInterface")}
    if given := {name: value for name, value in target.items() if value}:
        at.client.associate_address(AllocationId=at.id, **given)


def _release(at: At, raw: Raw, _: Properties) -> None:
    if raw.get("AssociationId"):
        at.client.disassociate_address(AssociationId=raw["AssociationId"])
    at.client.release_address(AllocationId=at.id)


EIP = ResourceType(
    service="ec2",
    inputs={
        "domain": Input("Domain", replaces=True, default="vpc"),
        "instance": Input(live="InstanceId"),
        "networkInterface": Input(live="NetworkInterfaceId"),
    },
    create=created("allocate_address", "AllocationId"),
    find=described("describe_addresses", "AllocationIds", "Addresses"),
    changes=[Change(["instance", "networkInterface"], _associate, after_create=True)],
    delete=_release,
    tagging=ec2_tags("elastic-ip"),
    orphans=marked("describe_addresses", "Addresses[].AllocationId"),
    outputs={
        "arn": arn("elastic-ip"),
        "allocationId": "AllocationId",
        "associationId": "AssociationId",
        "privateIp": "PrivateIpAddress",
        "publicIp": "PublicIp",
        # the name EC2 gives: https://docs.aws.amazon.com/vpc/latest/userguide/vpc-dns.html
        "publicDns": lambda at, raw: (
            f"ec2-{raw['PublicIp'].replace('.', '-')}.{at.session.region}.compute.amazonaws.com"
        ),
    },
    rules=[one_of("instance", "networkInterface", needed=False)],
)


def _eip_associations(at: At, name: str, value: str) -> list[Raw]:
    found = at.client.describe_addresses(Filters=[{"Name": name, "Values": [value]}])["Addresses"]
    return [dict(one) for one in found if one.get("AssociationId")]


EIP_ASSOCIATION = ResourceType(
    service="ec2",
    inputs={
        "allocationId": Input("AllocationId", required=True, replaces=True),
        "instanceId": Input("InstanceId", replaces=True),
        "networkInterfaceId": Input("NetworkInterfaceId", replaces=True),
        "privateIpAddress": Input("PrivateIpAddress", replaces=True),
        "allowReassociation": Input("AllowReassociation", kept=True),  # how to make it, not what it is
    },
    create=created("associate_address", "AssociationId"),
    find=lambda at: next(iter(_eip_associations(at, "association-id", at.id)), None),
    delete=deleted("disassociate_address", "AssociationId"),
    orphans=lambda at, inputs, _: [
        one["AssociationId"]
        for one in _eip_associations(at, "allocation-id", inputs["allocationId"])
        if one.get("InstanceId") == inputs.get("instanceId")
        or one.get("NetworkInterfaceId") == inputs.get("networkInterfaceId")
    ],
    outputs={"publicIp": "PublicIp"},
    rules=[one_of("instanceId", "networkInterfaceId")],
    delete_first=True,
)

NAT_GATEWAY = ResourceType(
    service="ec2",
    inputs={
        "subnetId": Input("SubnetId", required=True, replaces=True),
        "allocationId": Input("AllocationId", live="NatGatewayAddresses[0].AllocationId", replaces=True),
        "connectivityType": Input("ConnectivityType", replaces=True, default="public"),
    },
    create=created("create_nat_gateway", "NatGateway.NatGatewayId"),
    find=described("describe_nat_gateways", "NatGatewayIds", "NatGateways", gone=("deleted", "deleting")),
    delete=deleted("delete_nat_gateway", "NatGatewayId"),
    tagging=ec2_tags("natgateway"),
    orphans=marked("describe_nat_gateways", "NatGateways[].NatGatewayId", "Filter"),
    ready=Ready("State", ("available",)),
    outputs={
        "associationId": "NatGatewayAddresses[0].AssociationId",
        "networkInterfaceId": "NatGatewayAddresses[0].NetworkInterfaceId",
        "privateIp": "NatGatewayAddresses[0].PrivateIp",
        "publicIp": "NatGatewayAddresses[0].PublicIp",
        "vpcId": "VpcId",
    },
)

ROUTE_TABLE = ResourceType(
    service="ec2",
    inputs={"vpcId": Input("VpcId", required=True, replaces=True)},
    create=created("create_route_table", "RouteTable.RouteTableId"),
    find=described("describe_route_tables", "RouteTableIds", "RouteTables"),
    delete=deleted("delete_route_table", "RouteTableId"),
    tagging=ec2_tags("route-table"),
    orphans=marked("describe_route_tables", "RouteTables[].RouteTableId"),
    outputs={"arn": arn("route-table"), "ownerId": "OwnerId"},
)
"""`aws:ec2/routeTable:RouteTable`; its routes are resources of their own."""


def _find_route(at: At) -> Raw | None:
    table, _, destination = at.id.partition("_")
    for one in at.client.describe_route_tables(RouteTableIds=[table])["RouteTables"]:
        for route in one["Routes"]:
            if destination in (route.get("DestinationCidrBlock"), route.get("DestinationPrefixListId")):
                return dict(route) | {"RouteTableId": table}
    return None


def _route_key(at: At) -> Raw:
    table, _, destination = at.id.partition("_")
    kind = "DestinationPrefixListId" if destination.startswith("pl-") else "DestinationCidrBlock"
    return {"RouteTableId": table, kind: destination}


def _route_id(inputs: Properties) -> str:
    return f"{inputs['routeTableId']}_{inputs.get('destinationCidrBlock') or inputs.get('destinationPrefixListId')}"


def _create_route(at: At, request: Raw, inputs: Properties) -> str:
    at.client.create_route(**request)
    return _route_id(inputs)


def _retarget(at: At, new: Properties, _: Properties) -> None:
    target = {api: new[name] for name, api in ROUTE_TARGETS.items() if new.get(name)}
    at.client.replace_route(**_route_key(at), **target)


ROUTE = ResourceType(
    service="ec2",
    inputs={
        "routeTableId": Input("RouteTableId", required=True, replaces=True),
        "destinationCidrBlock": Input("DestinationCidrBlock", replaces=True),
        "destinationPrefixListId": Input("DestinationPrefixListId", replaces=True),
        **{name: Input(api) for name, api in ROUTE_TARGETS.items()},
    },
    create=_create_route,
    find=_find_route,
    changes=[Change(tuple(ROUTE_TARGETS), _retarget)],
    delete=lambda at, *_: at.client.delete_route(**_route_key(at)),
    orphans=lambda _, inputs, *__: [_route_id(inputs)],
    outputs={"origin": "Origin", "state": "State"},
    rules=[one_of("destinationCidrBlock", "destinationPrefixListId"), one_of(*ROUTE_TARGETS)],
)
"""`aws:ec2/route:Route`; its id is the form an import takes, `table_destination`."""


def _table_association(at: At) -> Raw | None:
    wanted = [{"Name": "association.subnet-id", "Values": [at.id]}]
    for table in at.client.describe_route_tables(Filters=wanted)["RouteTables"]:
        for one in table["Associations"]:
            if one.get("SubnetId") == at.id:
                return dict(one)
    return None


def _associate_table(at: At, request: Raw, inputs: Properties) -> str:
    at.client.associate_route_table(**request)
    return str(inputs["subnetId"])


def _move_table(at: At, new: Properties, _: Properties) -> None:
    association = _table_association(at)
    if association is not None:
        at.client.replace_route_table_association(
            AssociationId=association["RouteTableAssociationId"], RouteTableId=new["routeTableId"]
        )


ROUTE_TABLE_ASSOCIATION = ResourceType(
    service="ec2",
    inputs={
        "subnetId": Input("SubnetId", required=True, replaces=True),
        "routeTableId": Input("RouteTableId", required=True),
    },
    create=_associate_table,
    find=_table_association,
    changes=[Change(["routeTableId"], _move_table)],
    delete=lambda at, raw, _: at.client.disassociate_route_table(AssociationId=raw["RouteTableAssociationId"]),
    orphans=lambda _, inputs, *__: [inputs["subnetId"]],
)
"""`aws:ec2/routeTableAssociation:RouteTableAssociation`. EC2 gives an association a new id whenever its table changes;
a subnet has one at most, so the subnet's id stays true as the resource's."""


def _create_endpoint(at: At, request: Raw, _: Properties) -> str:
    return str(at.client.create_vpc_endpoint(**request)["VpcEndpoint"]["VpcEndpointId"])


def _change_endpoint(at: At, new: Properties, old: Properties) -> None:
    request: Raw = {}
    for name, member in (
        ("routeTableIds", "RouteTableIds"),
        ("subnetIds", "SubnetIds"),
        ("securityGroupIds", "SecurityGroupIds"),
    ):
        added, removed = changed_members(old.get(name), new.get(name))
        request |= {f"Add{member}": added} if added else {}
        request |= {f"Remove{member}": removed} if removed else {}
    if new.get("policy") != old.get("policy"):
        request |= {"PolicyDocument": new["policy"]} if new.get("policy") else {"ResetPolicy": True}
    at.client.modify_vpc_endpoint(VpcEndpointId=at.id, **request)


def _prefix_list(at: At, raw: Raw) -> str | None:
    """The list of a gateway endpoint's service addresses, which rules and routes name."""
    if raw["VpcEndpointType"] != "Gateway":
        return None
    wanted = [{"Name": "prefix-list-name", "Values": [raw["ServiceName"]]}]
    found = at.client.describe_managed_prefix_lists(Filters=wanted)["PrefixLists"]
    return str(found[0]["PrefixListId"]) if found else None


VPC_ENDPOINT = ResourceType(
    service="ec2",
    inputs={
        "vpcId": Input("VpcId", required=True, replaces=True),
        "serviceName": Input("ServiceName", required=True, replaces=True),
        "vpcEndpointType": Input("VpcEndpointType", replaces=True, default="Gateway"),
        "routeTableIds": Input("RouteTableIds", unordered=True),
        "subnetIds": Input("SubnetIds", unordered=True),
        "securityGroupIds": Input("SecurityGroupIds", live="Groups[].GroupId", unordered=True),
        "policy": Input("PolicyDocument", same=same_json),
        "privateDnsEnabled": Input("PrivateDnsEnabled", replaces=True),
    },
    create=_create_endpoint,
    find=described("describe_vpc_endpoints", "VpcEndpointIds", "VpcEndpoints", gone=("deleted", "deleting")),
    changes=[Change(["routeTableIds", "subnetIds", "securityGroupIds", "policy"], _change_endpoint)],
    delete=lambda at, *_: at.client.delete_vpc_endpoints(VpcEndpointIds=[at.id]),
    tagging=ec2_tags("vpc-endpoint"),
    orphans=marked("describe_vpc_endpoints", "VpcEndpoints[].VpcEndpointId"),
    ready=Ready("State", ("available", "Available"), ("failed", "rejected")),
    outputs={
        "arn": arn("vpc-endpoint"),
        "ownerId": "OwnerId",
        "state": "State",
        "networkInterfaceIds": "NetworkInterfaceIds",
        "dnsEntries": "DnsEntries",
        "prefixListId": _prefix_list,
    },
)


def _create_flow_log(at: At, request: Raw, inputs: Properties) -> str:
    for name, kind in FLOW_LOG_SOURCES.items():
        if inputs.get(name):
            request |= {"ResourceIds": [inputs[name]], "ResourceType": kind}
    if request["LogDestinationType"] == "cloud-watch-logs":  # by name: only so does EC2 say if the group is there
        request["LogGroupName"] = request.pop("LogDestination").split(":log-group:")[1].removesuffix(":*")
    answer = at.client.create_flow_logs(**request)
    for refusal in answer.get("Unsuccessful") or []:
        raise ValueError(refusal["Error"]["Message"])
    return str(answer["FlowLogIds"][0])


def _find_flow_log(at: At) -> Raw | None:
    raw = described("describe_flow_logs", "FlowLogIds", "FlowLogs")(at)
    if raw and not raw.get("LogDestination") and raw.get("LogGroupName"):
        raw["LogDestination"] = f"arn:aws:logs:{at.session.region}:{at.session.account}:log-group:{raw['LogGroupName']}"
    return raw


def _of_source(prefix: str) -> Any:
    return lambda raw: raw["ResourceId"] if raw["ResourceId"].startswith(prefix) else None


FLOW_LOG_SOURCES = {"vpcId": "VPC", "subnetId": "Subnet", "eniId": "NetworkInterface"}
FLOW_LOG = ResourceType(
    service="ec2",
    inputs={
        "vpcId": Input(live=_of_source("vpc-"), replaces=True),
        "subnetId": Input(live=_of_source("subnet-"), replaces=True),
        "eniId": Input(live=_of_source("eni-"), replaces=True),
        "trafficType": Input("TrafficType", replaces=True),
        "logDestinationType": Input("LogDestinationType", replaces=True, default="cloud-watch-logs"),
        "logDestination": Input(
            "LogDestination",
            required=True,
            replaces=True,
            same=lambda one, other: str(one).removesuffix(":*") == str(other).removesuffix(":*"),
        ),
        "iamRoleArn": Input("DeliverLogsPermissionArn", replaces=True),
        "logFormat": Input("LogFormat", replaces=True),
        "maxAggregationInterval": Input("MaxAggregationInterval", replaces=True, default=600),
    },
    create=_create_flow_log,
    find=_find_flow_log,
    delete=lambda at, *_: at.client.delete_flow_logs(FlowLogIds=[at.id]),
    tagging=ec2_tags("vpc-flow-log"),
    orphans=marked("describe_flow_logs", "FlowLogs[].FlowLogId", "Filter"),
    outputs={"arn": arn("vpc-flow-log")},
    rules=[one_of(*FLOW_LOG_SOURCES)],
    delete_first=True,
)

TYPES: Mapping[str, ResourceType] = {
    "aws:ec2/eip:Eip": EIP,
    "aws:ec2/eipAssociation:EipAssociation": EIP_ASSOCIATION,
    "aws:ec2/flowLog:FlowLog": FLOW_LOG,
    "aws:ec2/internetGateway:InternetGateway": INTERNET_GATEWAY,
    "aws:ec2/natGateway:NatGateway": NAT_GATEWAY,
    "aws:ec2/route:Route": ROUTE,
    "aws:ec2/routeTable:RouteTable": ROUTE_TABLE,
    "aws:ec2/routeTableAssociation:RouteTableAssociation": ROUTE_TABLE_ASSOCIATION,
    "aws:ec2/subnet:Subnet": SUBNET,
    "aws:ec2/vpc:Vpc": VPC,
    "aws:ec2/vpcEndpoint:VpcEndpoint": VPC_ENDPOINT,
    "aws:ec2/vpcIpv4CidrBlockAssociation:VpcIpv4CidrBlockAssociation": VPC_CIDR,
}
