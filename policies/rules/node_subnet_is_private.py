"""No node and no database is in a subnet that leads in from the Internet."""

from collections.abc import Iterator

from policies.declared import Declared
from policies.field import Finding, Verdict, inputs_of, is_false_or_absent
from policies.record import Resource
from policies.rule import Rule

_SUBNET = "aws:ec2/subnet:Subnet"
_TABLE = "aws:ec2/routeTable:RouteTable"
_USERS = {
    "aws:eks/nodeGroup:NodeGroup": "subnetIds",
    "aws:eks/fargateProfile:FargateProfile": "subnetIds",
    "aws:rds/subnetGroup:SubnetGroup": "subnetIds",
}


def _public_tables(declared: Declared) -> set[str]:
    """The route tables with a route to an Internet gateway, by URN."""
    return {
        table.urn
        for route in declared.of("aws:ec2/route:Route")
        if route.inputs.get("gatewayId") is not None
        for table in declared.referred(route, "routeTableId", _TABLE)
    } | {
        table.urn
        for table in declared.of(_TABLE)
        for route in inputs_of(table)["routes"].each()
        if route["gatewayId"].is_set
    }


def _public_subnets(declared: Declared) -> set[str]:
    tables = _public_tables(declared)
    return {
        subnet.urn
        for association in declared.of("aws:ec2/routeTableAssociation:RouteTableAssociation")
        if any(table.urn in tables for table in declared.referred(association, "routeTableId", _TABLE))
        for subnet in declared.referred(association, "subnetId", _SUBNET)
    }


def check(declared: Declared) -> Iterator[tuple[Resource, Finding]]:
    """Subnets give no public addresses; those of nodes and databases have no route from the Internet."""
    for subnet in declared.of(_SUBNET):
        flag = inputs_of(subnet)["mapPublicIpOnLaunch"]
        for finding in flag.require(is_false_or_absent, "machines here would get public addresses"):
            yield subnet, finding
    public = _public_subnets(declared)
    for type_, key in _USERS.items():
        for user in declared.of(type_):
            subnets = declared.referred(user, key, _SUBNET)
            if not subnets:
                says = "the subnets are not declared beside it: whether they are public can't be told"
                yield user, Finding(Verdict.UNKNOWN, key, says)
            for subnet in subnets:
                if subnet.urn in public:
                    yield user, inputs_of(user)[key].fail(f"{subnet.name} has a route to an Internet gateway")


RULE = Rule(
    name="node-subnet-is-private",
    says="Nodes and databases are in subnets without a route to an Internet gateway; no subnet gives public addresses.",
    reason="A machine with a way in from the Internet is tried within minutes.",
    remedy="Put them into the region's node subnets; set mapPublicIpOnLaunch to false.",
    controls=("CIS EKS 5.4.3", "SOC2 CC6.6", "ISO 27001 A.8.20", "ISO 27001 A.8.22"),
    types=(_SUBNET, *_USERS),
    check_stack=check,
)
