"""The engine itself refuses to delete what holds data."""

from policies.field import Findings, inputs_of, is_false_or_absent
from policies.record import Resource
from policies.rule import CLOUD_KINDS, Rule


def check(resource: Resource) -> Findings:
    """The resource is protected, and a bucket isn't emptied to be deleted."""
    inputs = inputs_of(resource)
    if not resource.protect:
        yield inputs["(options)"]["protect"].fail("a change that replaces or removes it would be carried out")
    yield from inputs["forceDestroy"].require(is_false_or_absent, "the bucket would be emptied to be deleted")


RULE = Rule(
    name="data-is-protected",
    says="Buckets, databases and keys are declared with protect.",
    reason="One renamed field can replace a bucket, a database, or the key without which neither can be read.",
    remedy="Pass protect=True; take it off in a change of its own when the data is to go.",
    controls=("SOC2 A1.2", "SOC2 CC8.1", "ISO 27001 A.8.13", "ISO 27001 A.8.32"),
    types=(
        "aws:s3/bucket:Bucket",
        "aws:s3/bucketV2:BucketV2",
        "aws:rds/instance:Instance",
        "aws:rds/cluster:Cluster",
        "aws:kms/key:Key",
        "aws:kms/replicaKey:ReplicaKey",
        "aws:dynamodb/table:Table",
        "aws:efs/fileSystem:FileSystem",
    ),
    check=check,
    kinds=CLOUD_KINDS,
)
