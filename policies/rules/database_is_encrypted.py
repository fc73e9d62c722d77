"""Databases are encrypted, at rest and on the way."""

from policies.field import Findings, inputs_of, is_true
from policies.record import Resource
from policies.rule import Rule

_INSTANCES = ("aws:rds/instance:Instance", "aws:rds/cluster:Cluster")
_PARAMETERS = ("aws:rds/parameterGroup:ParameterGroup", "aws:rds/clusterParameterGroup:ClusterParameterGroup")


def _takes_tls_only(resource: Resource) -> Findings:
    parameters = inputs_of(resource)["parameters"]
    forced = [each for each in parameters.each() if each["name"].value == "rds.force_ssl"]
    if not forced:
        yield parameters.fail("rds.force_ssl is not set: connections in the clear would be taken")
    for each in forced:
        yield from each["value"].require(lambda value: str(value) == "1", "connections in the clear would be taken")


def check(resource: Resource) -> Findings:
    """The storage is encrypted with a key of ours; connections must be encrypted."""
    if resource.type in _PARAMETERS:
        yield from _takes_tls_only(resource)
        return
    inputs = inputs_of(resource)
    yield from inputs["storageEncrypted"].require(is_true, "the database would be in the clear")
    if not inputs["kmsKeyId"].is_set:
        yield inputs["kmsKeyId"].fail("AWS's own key: it can't be shut, and a copy can't be held to it")


RULE = Rule(
    name="database-is-encrypted",
    says="Databases are encrypted with a key of ours, and take connections by TLS only.",
    reason="What agents are, cost and may do lies there, of every tenant of the region.",
    remedy="Set storageEncrypted and kmsKeyId, and rds.force_ssl to 1.",
    controls=("CIS AWS 2.3.1", "SOC2 CC6.1", "SOC2 CC6.7", "ISO 27001 A.8.24", "GDPR Art. 32"),
    types=(*_INSTANCES, *_PARAMETERS),
    check=check,
)
