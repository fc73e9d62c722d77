"""No bucket is public."""

from policies.buckets import BUCKET_TYPES, per_bucket
from policies.field import Field, Findings, is_true
from policies.rule import Rule

_FLAGS = ("blockPublicAcls", "blockPublicPolicy", "ignorePublicAcls", "restrictPublicBuckets")


def check(block: Field, _: Field) -> Findings:
    """All four ways to be public are blocked."""
    for flag in _FLAGS:
        yield from block[flag].require(is_true, "one way to make the bucket public is left open")


RULE = Rule(
    name="bucket-is-private",
    says="Every bucket blocks public ACLs and policies, all four ways.",
    reason="A snapshot holds an agent's conversations and credentials.",
    remedy=f"Declare a BucketPublicAccessBlock with {', '.join(_FLAGS)} true.",
    controls=("CIS AWS 2.1.4", "SOC2 CC6.1", "ISO 27001 A.8.3", "GDPR Art. 25", "GDPR Art. 32"),
    types=BUCKET_TYPES,
    check_stack=per_bucket("bucketPublicAccessBlock", "nothing blocks public access to the bucket", check),
)
