"""Security groups and the database subnets' network ACL."""

from collections.abc import Mapping, Sequence
from typing import Any

import pulumi
import pulumi_aws as aws

from components.network import manifests
from components.network.declaring import Declaring
from components.network.spec import ROLES, Role

_HOLDS: dict[Role, str] = {
    "nodes": "Nodes",
    "cluster": "Interfaces of the Kubernetes control plane",
    "database": "Databases",
    "wireguard": "WireGuard gateways",
    "endpoints": "Interfaces of AWS services",
}


def declare_groups(declaring: Declaring, vpc: aws.ec2.Vpc) -> dict[Role, aws.ec2.SecurityGroup]:
    """A group for each role, without rules; and the VPC's default group, emptied, so that what names none is alone."""
    aws.ec2.DefaultSecurityGroup(
        declaring.name("default"), vpc_id=vpc.id, tags=declaring.tags("default"), opts=declaring.options
    )
    return {role: _group(declaring, vpc, role) for role in ROLES}  # type: ignore[misc,arg-type]


def _group(declaring: Declaring, vpc: aws.ec2.Vpc, role: Role) -> aws.ec2.SecurityGroup:
    name = declaring.name(role)
    return aws.ec2.SecurityGroup(
        name, name=name, description=_HOLDS[role], vpc_id=vpc.id, tags=declaring.tags(role), opts=declaring.options
    )


def declare_rules(
    declaring: Declaring, groups: Mapping[Role, aws.ec2.SecurityGroup], s3_prefix_list: pulumi.Input[str]
) -> list[pulumi.CustomResource]:
    """Every rule of every group, a resource each: groups name each other, and one rule changed touches no other."""
    made: list[pulumi.CustomResource] = []
    for rule in manifests.build_rules(declaring.spec):
        kind = aws.vpc.SecurityGroupIngressRule if rule.direction == "ingress" else aws.vpc.SecurityGroupEgressRule
        declared = kind(
            declaring.name(rule.role),
            security_group_id=groups[rule.group].id,
            ip_protocol=rule.protocol,
            from_port=rule.first,
            to_port=rule.last,
            description=rule.name,
            tags=declaring.tags(rule.role),
            opts=declaring.options,
            **_peer(rule, groups, s3_prefix_list),
        )
        made.append(declared)
    return made


def _peer(
    rule: manifests.Rule, groups: Mapping[Role, aws.ec2.SecurityGroup], s3_prefix_list: pulumi.Input[str]
) -> dict[str, Any]:
    if rule.peer == manifests.S3:
        return {"prefix_list_id": s3_prefix_list}
    if isinstance(rule.peer, str):
        return {"referenced_security_group_id": groups[rule.peer].id}
    return {"cidr_ipv4": str(rule.peer)}


def declare_database_acl(
    declaring: Declaring, vpc: aws.ec2.Vpc, subnets: Sequence[aws.ec2.Subnet]
) -> pulumi.CustomResource:
    """A second wall around the databases, which no security group opens."""
    queries, answers = manifests.build_database_acl(declaring.spec)
    role = "database"
    return aws.ec2.NetworkAcl(
        declaring.name(role),
        vpc_id=vpc.id,
        subnet_ids=[subnet.id for subnet in subnets],
        ingress=[_entry(each) for each in queries],
        egress=[_entry(each) for each in answers],
        tags=declaring.tags(role),
        opts=declaring.options,
    )


def _entry(entry: manifests.AclEntry) -> Any:
    return {
        "rule_no": entry.number,
        "action": "allow",
        "protocol": "tcp",
        "cidr_block": str(entry.network),
        "from_port": entry.first,
        "to_port": entry.last,
    }
