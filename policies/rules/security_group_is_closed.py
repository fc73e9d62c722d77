"""No security group is open to the Internet, but to WireGuard."""

from ipaddress import ip_network

from policies.field import Field, Findings, inputs_of
from policies.record import Resource
from policies.rule import Rule

WIREGUARD_PORTS = range(51820, 51828)
"""Those of a site's gateways: WireGuard answers no one whose key it doesn't know."""
NARROWEST = 8
_INLINE = {"aws:ec2/securityGroup:SecurityGroup", "aws:ec2/defaultSecurityGroup:DefaultSecurityGroup"}
_BLOCKS = ("cidrIpv4", "cidrIpv6", "cidrBlocks", "ipv6CidrBlocks")


def _blocks(rule: Field) -> list[Field]:
    found = [rule[key] for key in _BLOCKS if rule[key].is_set]
    return [each for block in found for each in (block.each() or [block])]


def _is_wide(block: Field) -> bool:
    try:
        return ip_network(block.text(), strict=False).prefixlen < NARROWEST
    except ValueError:
        return True


def _is_wireguard(rule: Field) -> bool:
    protocol = rule["ipProtocol"].value or rule["protocol"].value
    ports = (rule["fromPort"].value, rule["toPort"].value)
    return protocol == "udp" and all(isinstance(port, int | float) and int(port) in WIREGUARD_PORTS for port in ports)


def _closed(rule: Field, way: str) -> Findings:
    everything = str(rule["ipProtocol"].value or rule["protocol"].value) in ("-1", "all")
    for block in _blocks(rule):
        if not block.is_known:
            yield block.unknown()
        elif _is_wide(block) and way == "ingress" and not _is_wireguard(rule):
            yield block.fail(f"{block.value} is the whole Internet")
        elif _is_wide(block) and way == "egress" and everything:
            yield block.fail(f"everything may leave to {block.value}")


def check(resource: Resource) -> Findings:
    """What comes in comes from blocks and groups that are named; not everything may leave for everywhere."""
    inputs = inputs_of(resource)
    if resource.type in _INLINE:
        for way in ("ingress", "egress"):
            for rule in inputs[way].each():
                yield from _closed(rule, way)
    elif resource.type == "aws:ec2/securityGroupRule:SecurityGroupRule":
        yield from _closed(inputs, inputs["type"].text())
    else:
        yield from _closed(inputs, "egress" if resource.type.endswith("EgressRule") else "ingress")


RULE = Rule(
    name="security-group-is-closed",
    says="No security group lets the Internet in, but to WireGuard's ports, or everything out.",
    reason="The tunnel and WireGuard are the only ways in; ways out are listed.",
    remedy="Name a block of a site, or a group of this VPC, and the ports.",
    controls=("CIS AWS 5.2", "CIS AWS 5.3", "CIS AWS 5.4", "SOC2 CC6.6", "ISO 27001 A.8.20", "GDPR Art. 32"),
    types=(*sorted(_INLINE), "aws:ec2/securityGroupRule:SecurityGroupRule", "aws:vpc/securityGroup*Rule:*"),
    check=check,
)
