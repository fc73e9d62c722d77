"""Keys are changed each year."""

from policies.field import Findings, inputs_of, is_true
from policies.record import Resource
from policies.rule import Rule


def check(resource: Resource) -> Findings:
    """AWS rotates the key. One that signs can't be rotated so."""
    inputs = inputs_of(resource)
    if inputs["keyUsage"].value in (None, "ENCRYPT_DECRYPT") and inputs["customerMasterKeySpec"].value in (
        None,
        "SYMMETRIC_DEFAULT",
    ):
        yield from inputs["enableKeyRotation"].require(is_true, "the key would stay the same for ever")


RULE = Rule(
    name="key-rotates",
    says="Keys of ours are rotated by AWS.",
    reason="What a key has encrypted grows with its age; a yearly change bounds what a lost one opens.",
    remedy="Set enableKeyRotation to true.",
    controls=("CIS AWS 3.6", "SOC2 CC6.1", "ISO 27001 A.8.24"),
    types=("aws:kms/key:Key",),
    check=check,
)
