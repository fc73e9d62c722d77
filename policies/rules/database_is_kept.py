"""No database goes by mistake."""

from policies.field import Findings, inputs_of, is_false_or_absent, is_true
from policies.record import Resource
from policies.rule import CLOUD_KINDS, Rule


def check(resource: Resource) -> Findings:
    """The database can't be deleted as it is, leaves a last snapshot, and is backed up."""
    inputs = inputs_of(resource)
    yield from inputs["deletionProtection"].require(is_true, "one call would delete the database")
    yield from inputs["skipFinalSnapshot"].require(is_false_or_absent, "nothing would be left of a deleted database")
    days = inputs["backupRetentionPeriod"]
    yield from days.require(
        lambda kept: isinstance(kept, int | float) and kept >= 7, "less than a week can be had back"
    )


RULE = Rule(
    name="database-is-kept",
    says="Databases are protected from deletion, backed up for a week or more, and leave a last snapshot.",
    reason="It says what every agent of the region is: without it nothing can be restored, or billed.",
    remedy="Set deletionProtection, skipFinalSnapshot false, and backupRetentionPeriod to 7 or more.",
    controls=("SOC2 A1.2", "ISO 27001 A.8.13", "GDPR Art. 32"),
    types=("aws:rds/instance:Instance", "aws:rds/cluster:Cluster"),
    check=check,
    kinds=CLOUD_KINDS,
)
