"""What lets traffic into and out of a VPC: security groups, their rules, network ACLs.

Types and their inputs are those of https://www.pulumi.com/registry/packages/aws/api-docs/ec2/ and …/vpc/.
"""

from collections.abc import Iterable, Mapping
from functools import partial
from typing import Any, NamedTuple

from infra.local.providers.aws.ec2 import arn, changed_members, created, described, ec2_tags, marked, one_of
from infra.local.providers.aws.resource import At, Change, Input, Raw, ResourceType
from infra.local.providers.aws.session import OWNER_TAG
from infra.local.providers.properties import Properties

ANY_PROTOCOL = "-1"
RULE_SOURCES = {
    "cidrBlocks": "CidrIpv4",
    "ipv6CidrBlocks": "CidrIpv6",
    "prefixListIds": "PrefixListId",
    "securityGroups": "ReferencedGroup",
}
"""The fields of an inline rule that name peers, and what a single rule of the API calls each."""
INLINE_MEMBERS = ("protocol", "fromPort", "toPort", "description", "self", *RULE_SOURCES)
PROTOCOLS = {"icmp": "1", "tcp": "6", "udp": "17", "icmpv6": "58", "all": ANY_PROTOCOL}
"""Numbers of the protocols that have names: https://www.iana.org/assignments/protocol-numbers/."""
LAST_RULE = 32767
"""The number of the rule that every network ACL ends with and that can't be changed."""


class Rule(NamedTuple):
    """One rule of a security group: one protocol, one range of ports, one peer."""

    protocol: str
    from_port: int | None
    to_port: int | None
    kind: str
    peer: str
    description: str

    def request(self) -> Raw:
        """It as an IpPermission."""
        about = {"Description": self.description} if self.description else {}
        peers = {
            "CidrIpv4": ("IpRanges", "CidrIp"),
            "CidrIpv6": ("Ipv6Ranges", "CidrIpv6"),
            "PrefixListId": ("PrefixListIds", "PrefixListId"),
            "ReferencedGroup": ("UserIdGroupPairs", "GroupId"),
        }
        many, one = peers[self.kind]
        ports = {} if self.from_port is None else {"FromPort": self.from_port, "ToPort": self.to_port}
        return {"IpProtocol": self.protocol, **ports, many: [{one: self.peer, **about}]}


def _rule(protocol: str, ports: tuple[Any, Any], kind: str, peer: str, description: str | None) -> Rule:
    protocol = ANY_PROTOCOL if protocol == "all" else str(protocol).lower()
    first, last = (None, None) if protocol == ANY_PROTOCOL else (int(ports[0]), int(ports[1]))
    return Rule(protocol, first, last, kind, peer, description or "")


def _declared_rules(group: str, inline: Iterable[Mapping[str, Any]] | None) -> set[Rule]:
    rules = set()
    for one in inline or ():
        about = (one["protocol"], (one["fromPort"], one["toPort"]))
        for name, kind in RULE_SOURCES.items():
            rules |= {_rule(*about, kind, peer, one.get("description")) for peer in one.get(name) or ()}
        if one.get("self"):
            rules.add(_rule(*about, "ReferencedGroup", group, one.get("description")))
    return rules


def _live_rule(raw: Mapping[str, Any]) -> Rule:
    peers = {name: raw.get(name) for name in ("CidrIpv4", "CidrIpv6", "PrefixListId")}
    peers["ReferencedGroup"] = (raw.get("ReferencedGroupInfo") or {}).get("GroupId")
    kind, peer = next((kind, peer) for kind, peer in peers.items() if peer)
    return _rule(raw["IpProtocol"], (raw["FromPort"], raw["ToPort"]), kind, str(peer), raw.get("Description"))


def _inline(direction: str, raw: Raw) -> list[Properties]:
    """A group's rules as the program would write them, one object a rule."""
    names = {kind: name for name, kind in RULE_SOURCES.items()}
    rules = sorted(_live_rule(one) for one in raw["Rules"] if one["IsEgress"] == (direction == "egress"))
    return [
        {
            "protocol": rule.protocol,
            "fromPort": rule.from_port or 0,
            "toPort": rule.to_port or 0,
            **({"self": True} if rule.peer == raw["GroupId"] else {names[rule.kind]: [rule.peer]}),
            **({"description": rule.description} if rule.description else {}),
        }
        for rule in rules
    ]


def _same_rules(one: Any, other: Any) -> bool:
    return _declared_rules("self", one) == _declared_rules("self", other)


def _rules_of(at: At) -> list[Raw]:
    wanted = [{"Name": "group-id", "Values": [at.id]}]
    return [dict(one) for one in at.client.describe_security_group_rules(Filters=wanted)["SecurityGroupRules"]]


def _find_group(at: At) -> Raw | None:
    raw = described("describe_security_groups", "GroupIds", "SecurityGroups")(at)
    return raw and raw | {"Rules": _rules_of(at)}


def _revoke(at: At, direction: str, rules: Iterable[Raw]) -> None:
    if ids := [one["SecurityGroupRuleId"] for one in rules]:
        getattr(at.client, f"revoke_security_group_{direction}")(GroupId=at.id, SecurityGroupRuleIds=ids)


def _set_rules(at: At, new: Properties, old: Properties) -> None:
    for direction in ("ingress", "egress"):
        if new.get(direction) == old.get(direction):
            continue
        wanted = _declared_rules(at.id, new.get(direction))
        live = [one for one in _rules_of(at) if one["IsEgress"] == (direction == "egress")]
        _revoke(at, direction, (one for one in live if _live_rule(one) not in wanted))
        authorize = getattr(at.client, f"authorize_security_group_{direction}")
        for rule in sorted(wanted - {_live_rule(one) for one in live}):
            authorize(GroupId=at.id, IpPermissions=[rule.request()])


def _revoke_all(at: At) -> None:
    rules = _rules_of(at)
    _revoke(at, "egress", (one for one in rules if one["IsEgress"]))
    _revoke(at, "ingress", (one for one in rules if not one["IsEgress"]))


def _create_group(at: At, request: Raw, _: Properties) -> str:
    group = str(at.client.create_security_group(**request)["GroupId"])
    # EC2 lets a new group send anywhere; the real provider takes that away, so that only what is declared is allowed.
    _revoke_all(At(at.session, at.service, group))
    return group


def _delete_group(at: At, _: Raw, inputs: Properties) -> None:
    if inputs.get("revokeRulesOnDelete"):
        _revoke_all(at)
    at.client.delete_security_group(GroupId=at.id)


def _default_group(at: At, _: Raw, inputs: Properties) -> str:
    wanted = [{"Name": "vpc-id", "Values": [inputs["vpcId"]]}, {"Name": "group-name", "Values": ["default"]}]
    group = str(at.client.describe_security_groups(Filters=wanted)["SecurityGroups"][0]["GroupId"])
    _revoke_all(At(at.session, at.service, group))
    return group


INLINE_RULES = {
    name: Input(live=partial(_inline, name), members=INLINE_MEMBERS, same=_same_rules) for name in ("ingress", "egress")
}
SECURITY_GROUP = ResourceType(
    service="ec2",
    inputs={
        "name": Input("GroupName", named=True, replaces=True),
        "description": Input("Description", replaces=True, default="Managed by Pulumi"),
        "vpcId": Input("VpcId", replaces=True),
        "revokeRulesOnDelete": Input(kept=True),  # a wish of the program
        **INLINE_RULES,
    },
    create=_create_group,
    find=_find_group,
    changes=[Change(["ingress", "egress"], _set_rules, after_create=True)],
    delete=_delete_group,
    tagging=ec2_tags("security-group"),
    orphans=marked("describe_security_groups", "SecurityGroups[].GroupId"),
    outputs={"arn": arn("security-group"), "ownerId": "OwnerId"},
)
DEFAULT_SECURITY_GROUP = ResourceType(
    service="ec2",
    inputs={
        "vpcId": Input(live="VpcId", required=True, replaces=True),
        "revokeRulesOnDelete": Input(kept=True),
        **INLINE_RULES,
    },
    create=_default_group,
    find=_find_group,
    changes=[Change(["ingress", "egress"], _set_rules, after_create=True)],
    delete=lambda *_: None,
    stays=True,
    tagging=ec2_tags("security-group"),
    outputs={"arn": arn("security-group"), "ownerId": "OwnerId", "name": "GroupName", "description": "Description"},
)
"""`aws:ec2/defaultSecurityGroup:DefaultSecurityGroup`: the group a VPC came with, all rules that are not declared taken
off. Deleting it only lets go of it: the group lives as long as its VPC."""


def _rule_permission(inputs: Properties) -> Raw:
    kinds = {"cidrIpv4": "CidrIpv4", "cidrIpv6": "CidrIpv6", "prefixListId": "PrefixListId"}
    kinds["referencedSecurityGroupId"] = "ReferencedGroup"
    name = next(name for name in kinds if inputs.get(name))
    ports = (inputs.get("fromPort", -1), inputs.get("toPort", -1))
    return _rule(inputs["ipProtocol"], ports, kinds[name], inputs[name], inputs.get("description")).request()


def _create_rule(direction: str, at: At, request: Raw, inputs: Properties) -> str:
    authorize = getattr(at.client, f"authorize_security_group_{direction}")
    answer = authorize(GroupId=inputs["securityGroupId"], IpPermissions=[_rule_permission(inputs)], **request)
    return str(answer["SecurityGroupRules"][0]["SecurityGroupRuleId"])


def _find_rule(at: At) -> Raw | None:
    found = at.client.describe_security_group_rules(SecurityGroupRuleIds=[at.id])["SecurityGroupRules"]
    return dict(found[0]) if found else None


def _change_rule(at: At, new: Properties, _: Properties) -> None:
    any_port = new["ipProtocol"] == ANY_PROTOCOL
    rule = {
        "IpProtocol": new["ipProtocol"],
        "FromPort": -1 if any_port else new.get("fromPort", -1),
        "ToPort": -1 if any_port else new.get("toPort", -1),
        "Description": new.get("description") or "",
        "CidrIpv4": new.get("cidrIpv4"),
        "CidrIpv6": new.get("cidrIpv6"),
        "PrefixListId": new.get("prefixListId"),
        "ReferencedGroupId": new.get("referencedSecurityGroupId"),
    }
    wanted = {name: value for name, value in rule.items() if value is not None}
    at.client.modify_security_group_rules(
        GroupId=new["securityGroupId"],
        SecurityGroupRules=[{"SecurityGroupRuleId": at.id, "SecurityGroupRule": wanted}],
    )


def _delete_rule(direction: str, at: At, raw: Raw, _: Properties) -> None:
    _revoke(At(at.session, at.service, raw["GroupId"]), direction, [raw])


def _port(name: str, raw: Raw) -> int | None:
    return None if raw["IpProtocol"] == ANY_PROTOCOL else raw.get(name)


def _group_rule(direction: str) -> ResourceType:
    return ResourceType(
        service="ec2",
        inputs={
            "securityGroupId": Input(live="GroupId", required=True, replaces=True),
            "ipProtocol": Input(live="IpProtocol", required=True),
            "fromPort": Input(live=partial(_port, "FromPort")),
            "toPort": Input(live=partial(_port, "ToPort")),
            "cidrIpv4": Input(live="CidrIpv4"),
            # EC2 changes these three in place; moto's ModifySecurityGroupRules doesn't
            "cidrIpv6": Input(live="CidrIpv6", replaces=True),
            "prefixListId": Input(live="PrefixListId", replaces=True),
            "referencedSecurityGroupId": Input(live="ReferencedGroupInfo.GroupId", replaces=True),
            "description": Input(live="Description"),
        },
        create=partial(_create_rule, direction),
        find=_find_rule,
        changes=[Change(["ipProtocol", "fromPort", "toPort", "cidrIpv4", "description"], _change_rule)],
        delete=partial(_delete_rule, direction),
        tagging=ec2_tags("security-group-rule"),
        orphans=_marked_rules,
        outputs={"arn": arn("security-group-rule", "GroupOwnerId"), "securityGroupRuleId": "SecurityGroupRuleId"},
        rules=[one_of("cidrIpv4", "cidrIpv6", "prefixListId", "referencedSecurityGroupId")],
    )


def _marked_rules(at: At, inputs: Properties, mark: str) -> list[str]:
    rules = _rules_of(At(at.session, at.service, inputs["securityGroupId"]))
    wanted = {"Key": OWNER_TAG, "Value": mark}
    return [str(one["SecurityGroupRuleId"]) for one in rules if wanted in (one.get("Tags") or [])]


ACL_MEMBERS = (
    "ruleNo", "action", "protocol", "fromPort", "toPort", "cidrBlock", "ipv6CidrBlock", "icmpType", "icmpCode",
)  # fmt: skip


def _protocol(name: Any) -> str:
    return PROTOCOLS.get(str(name).lower(), str(name))


def _acl_entries(direction: str, raw: Raw) -> list[Properties]:
    return [
        {
            "ruleNo": one["RuleNumber"],
            "action": one["RuleAction"],
            "protocol": _protocol(one["Protocol"]),
            "fromPort": (one.get("PortRange") or {}).get("From", 0),
            "toPort": (one.get("PortRange") or {}).get("To", 0),
            "cidrBlock": one.get("CidrBlock"),
            "ipv6CidrBlock": one.get("Ipv6CidrBlock"),
            "icmpType": (one.get("IcmpTypeCode") or {}).get("Type"),
            "icmpCode": (one.get("IcmpTypeCode") or {}).get("Code"),
        }
        for one in sorted(raw["Entries"], key=lambda one: int(one["RuleNumber"]))
        if one["Egress"] == (direction == "egress") and one["RuleNumber"] != LAST_RULE
    ]


def _normal_entry(one: Mapping[str, Any]) -> frozenset[tuple[str, Any]]:
    normal = {"fromPort": 0, "toPort": 0} | {name: value for name, value in one.items() if value is not None}
    normal |= {"protocol": _protocol(normal["protocol"]), "action": str(normal["action"]).lower()}
    if normal["protocol"] == ANY_PROTOCOL:
        normal |= {"fromPort": 0, "toPort": 0}
    if normal["protocol"] not in (PROTOCOLS["icmp"], PROTOCOLS["icmpv6"]):
        normal = {name: value for name, value in normal.items() if not name.startswith("icmp")}
    return frozenset(normal.items())


def _same_entries(one: Any, other: Any) -> bool:
    return {_normal_entry(entry) for entry in one} == {_normal_entry(entry) for entry in other}


def _set_entries(at: At, new: Properties, old: Properties) -> None:
    for direction in ("ingress", "egress"):
        if new.get(direction) == old.get(direction):
            continue
        raw = described("describe_network_acls", "NetworkAclIds", "NetworkAcls")(at) or {"Entries": []}
        live = {_normal_entry(one): one["ruleNo"] for one in _acl_entries(direction, raw)}
        wanted = {_normal_entry(one): one for one in new.get(direction) or ()}
        egress = direction == "egress"
        for entry, number in live.items():
            if entry not in wanted:
                at.client.delete_network_acl_entry(NetworkAclId=at.id, RuleNumber=number, Egress=egress)
        for entry, one in wanted.items():
            if entry not in live:
                at.client.create_network_acl_entry(NetworkAclId=at.id, Egress=egress, **_entry_request(one))


def _entry_request(one: Mapping[str, Any]) -> Raw:
    request = {
        "RuleNumber": int(one["ruleNo"]),
        "RuleAction": str(one["action"]).lower(),
        "Protocol": _protocol(one["protocol"]),
        "CidrBlock": one.get("cidrBlock"),
        "Ipv6CidrBlock": one.get("ipv6CidrBlock"),
    }
    if request["Protocol"] in (PROTOCOLS["icmp"], PROTOCOLS["icmpv6"]):
        request["IcmpTypeCode"] = {"Type": int(one.get("icmpType") or 0), "Code": int(one.get("icmpCode") or 0)}
    elif request["Protocol"] != ANY_PROTOCOL:
        request["PortRange"] = {"From": int(one["fromPort"]), "To": int(one["toPort"])}
    return {name: value for name, value in request.items() if value is not None}


def _acls(at: At, name: str, value: str) -> list[Raw]:
    return [
        dict(one) for one in at.client.describe_network_acls(Filters=[{"Name": name, "Values": [value]}])["NetworkAcls"]
    ]


def _acl_association(at: At, subnet: str) -> Raw | None:
    """How a subnet is tied to its network ACL; it always has one."""
    for acl in _acls(at, "association.subnet-id", subnet):
        for one in acl["Associations"]:
            if one["SubnetId"] == subnet:
                return dict(one)
    return None


def _tie(at: At, subnet: str, acl: str) -> str | None:
    """Give a subnet this network ACL; the association's new id, None when the subnet is gone."""
    now = _acl_association(at, subnet)
    if now is None:
        return None
    answer = at.client.replace_network_acl_association(AssociationId=now["NetworkAclAssociationId"], NetworkAclId=acl)
    return str(answer["NewAssociationId"])


def _untie(at: At, subnet: str) -> None:
    """Give a subnet back its VPC's default network ACL."""
    found = at.client.describe_subnets(Filters=[{"Name": "subnet-id", "Values": [subnet]}])["Subnets"]
    for one in found:
        default = next(acl for acl in _acls(at, "vpc-id", one["VpcId"]) if acl["IsDefault"])
        _tie(at, subnet, default["NetworkAclId"])


def _set_acl_subnets(at: At, new: Properties, old: Properties) -> None:
    added, removed = changed_members(old.get("subnetIds"), new.get("subnetIds"))
    for subnet in added:
        _tie(at, subnet, at.id)
    for subnet in removed:
        _untie(at, subnet)


def _delete_acl(at: At, raw: Raw, _: Properties) -> None:
    for one in raw["Associations"]:
        _untie(at, one["SubnetId"])
    at.client.delete_network_acl(NetworkAclId=at.id)


NETWORK_ACL = ResourceType(
    service="ec2",
    inputs={
        "vpcId": Input("VpcId", required=True, replaces=True),
        "subnetIds": Input(live="Associations[].SubnetId", unordered=True),
        **{
            name: Input(live=partial(_acl_entries, name), members=ACL_MEMBERS, same=_same_entries)
            for name in ("ingress", "egress")
        },
    },
    create=created("create_network_acl", "NetworkAcl.NetworkAclId"),
    find=described("describe_network_acls", "NetworkAclIds", "NetworkAcls"),
    changes=[
        Change(["ingress", "egress"], _set_entries, after_create=True),
        Change(["subnetIds"], _set_acl_subnets, after_create=True),
    ],
    delete=_delete_acl,
    tagging=ec2_tags("network-acl"),
    orphans=marked("describe_network_acls", "NetworkAcls[].NetworkAclId"),
    outputs={"arn": arn("network-acl"), "ownerId": "OwnerId"},
)


def _create_acl_association(at: At, _: Raw, inputs: Properties) -> str:
    association = _tie(at, inputs["subnetId"], inputs["networkAclId"])
    if association is None:
        raise ValueError(f"subnetId: there is no subnet {inputs['subnetId']}")
    return association


def _find_acl_association(at: At) -> Raw | None:
    found = _acls(at, "association.association-id", at.id)
    associations = (one for acl in found for one in acl["Associations"])
    return next((dict(one) for one in associations if one["NetworkAclAssociationId"] == at.id), None)


def _tied_already(at: At, inputs: Properties, _: str) -> list[str]:
    now = _acl_association(at, inputs["subnetId"])
    return [now["NetworkAclAssociationId"]] if now and now["NetworkAclId"] == inputs["networkAclId"] else []


NETWORK_ACL_ASSOCIATION = ResourceType(
    service="ec2",
    inputs={
        "networkAclId": Input(live="NetworkAclId", required=True, replaces=True),
        "subnetId": Input(live="SubnetId", required=True, replaces=True),
    },
    create=_create_acl_association,
    find=_find_acl_association,
    delete=lambda at, raw, _: _untie(at, raw["SubnetId"]),
    orphans=_tied_already,
)

TYPES: Mapping[str, ResourceType] = {
    "aws:ec2/defaultSecurityGroup:DefaultSecurityGroup": DEFAULT_SECURITY_GROUP,
    "aws:ec2/networkAcl:NetworkAcl": NETWORK_ACL,
    "aws:ec2/networkAclAssociation:NetworkAclAssociation": NETWORK_ACL_ASSOCIATION,
    "aws:ec2/securityGroup:SecurityGroup": SECURITY_GROUP,
    "aws:vpc/securityGroupEgressRule:SecurityGroupEgressRule": _group_rule("egress"),
    "aws:vpc/securityGroupIngressRule:SecurityGroupIngressRule": _group_rule("ingress"),
}
