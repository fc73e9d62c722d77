"""Machines have no public address of their own."""

from policies.field import Findings, inputs_of, is_false_or_absent
from policies.record import Resource
from policies.rule import Rule


def check(resource: Resource) -> Findings:
    """Neither the machine nor an interface of it is given a public address."""
    inputs = inputs_of(resource)
    for each in (inputs, *inputs["networkInterfaces"].each()):
        flag = each["associatePublicIpAddress"]
        yield from flag.require(is_false_or_absent, "the machine would be on the Internet")


RULE = Rule(
    name="instance-has-no-public-address",
    says="No instance or launch template associates a public address.",
    reason="Nodes are reached by no one; a site's gateways have elastic addresses, which outlive the instance.",
    remedy="Set associatePublicIpAddress to false.",
    controls=("SOC2 CC6.6", "ISO 27001 A.8.20"),
    types=("aws:ec2/launchTemplate:LaunchTemplate", "aws:ec2/instance:Instance"),
    check=check,
)
