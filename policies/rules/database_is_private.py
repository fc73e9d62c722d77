"""No database has a public address."""

from policies.field import Findings, inputs_of, is_false_or_absent
from policies.record import Resource
from policies.rule import Rule


def check(resource: Resource) -> Findings:
    """The database is reached from its VPC alone."""
    inputs = inputs_of(resource)
    yield from inputs["publiclyAccessible"].require(is_false_or_absent, "the database would be on the Internet")
    if not inputs["dbSubnetGroupName"].is_set and resource.type.startswith("aws:rds/instance"):
        yield inputs["dbSubnetGroupName"].fail("the account's default subnets, which are public")


RULE = Rule(
    name="database-is-private",
    says="Databases have no public address, and are in subnets of ours.",
    reason="A database on the Internet is tried within minutes.",
    remedy="Set publiclyAccessible to false and name a subnet group.",
    controls=("CIS AWS 2.3.3", "SOC2 CC6.6", "ISO 27001 A.8.20", "GDPR Art. 32"),
    types=("aws:rds/instance:Instance", "aws:rds/clusterInstance:ClusterInstance"),
    check=check,
)
