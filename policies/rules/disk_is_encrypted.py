"""No disk is in the clear."""

from policies.field import Findings, inputs_of, is_true
from policies.record import Resource
from policies.rule import Rule

_SAYS = "the disk would be in the clear"


def check(resource: Resource) -> Findings:
    """Every disk a machine, a template, a volume or a storage class makes is encrypted."""
    inputs = inputs_of(resource)
    if resource.type.endswith(":StorageClass"):
        provisioner = inputs["provisioner"]
        if not provisioner.is_known or provisioner.value == "ebs.csi.aws.com":
            yield from inputs.at("parameters", "encrypted").require(is_true, _SAYS)
        return
    if resource.type.endswith(":Volume"):
        yield from inputs["encrypted"].require(is_true, _SAYS)
    if resource.type.endswith(":Instance"):
        yield from inputs.at("rootBlockDevice", "encrypted").require(is_true, _SAYS)
    for device in inputs["blockDeviceMappings"].each():
        if device["ebs"].is_set:
            yield from device.at("ebs", "encrypted").require(is_true, _SAYS)
    for device in inputs["ebsBlockDevices"].each():
        yield from device["encrypted"].require(is_true, _SAYS)


RULE = Rule(
    name="disk-is-encrypted",
    says="Disks of machines and of agents are encrypted.",
    reason="A disk outlives its machine: as a snapshot, a copy, or a part that is thrown away.",
    remedy="Set encrypted to true.",
    controls=("CIS AWS 2.2.1", "SOC2 CC6.7", "ISO 27001 A.8.24", "GDPR Art. 32"),
    types=(
        "aws:ebs/volume:Volume",
        "aws:ec2/instance:Instance",
        "aws:ec2/launchTemplate:LaunchTemplate",
        "kubernetes:storage.k8s.io/*:StorageClass",
    ),
    check=check,
)
