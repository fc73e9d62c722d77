"""A cluster's API has no public address."""

from policies.field import Findings, inputs_of, is_true
from policies.record import Resource
from policies.rule import Rule


def check(resource: Resource) -> Findings:
    """The API server answers inside the VPC alone, and encrypts Secrets with a key of ours."""
    config = inputs_of(resource)["vpcConfig"]
    yield from config["endpointPublicAccess"].require(lambda flag: flag is False, "the API would be on the Internet")
    yield from config["endpointPrivateAccess"].require(is_true, "nodes would reach the API from outside")
    key = inputs_of(resource).at("encryptionConfig", "provider", "keyArn")
    # The key's ARN may come later; that there is one is known.
    if not key.is_set:
        yield key.fail("Secrets would be encrypted with no key of ours")


RULE = Rule(
    name="cluster-endpoint-is-private",
    says="A cluster's API endpoint is private, and its Secrets are encrypted with a key of ours.",
    reason="Whoever reaches the API may try every credential there is.",
    remedy="Set endpointPublicAccess to false, endpointPrivateAccess to true, and encryptionConfig.",
    controls=("CIS EKS 5.4.1", "CIS EKS 5.4.2", "CIS EKS 5.3.1", "SOC2 CC6.6", "ISO 27001 A.8.20"),
    types=("aws:eks/cluster:Cluster",),
    check=check,
)
