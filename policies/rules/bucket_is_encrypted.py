"""Buckets are encrypted with keys of ours."""

from policies.buckets import BUCKET_TYPES, per_bucket
from policies.field import Field, Findings
from policies.rule import Rule


def check(encryption: Field, _: Field) -> Findings:
    """The default is a KMS key of ours, whose ARN may come later."""
    rules = encryption["rules"]
    yield from rules.require(bool, "no default encryption")
    for rule in rules.each():
        default = rule["applyServerSideEncryptionByDefault"]
        algorithm = default["sseAlgorithm"]
        yield from algorithm.require(lambda name: str(name).startswith("aws:kms"), "not encrypted by KMS")
        if not default["kmsMasterKeyId"].is_set:
            yield default["kmsMasterKeyId"].fail("AWS's own key, which every account's administrator may use")


RULE = Rule(
    name="bucket-is-encrypted",
    says="Every bucket encrypts with a KMS key of ours by default.",
    reason="Who may read is then said twice, by the bucket and by the key, and a destroyed key destroys every copy.",
    remedy="Declare a BucketServerSideEncryptionConfiguration with aws:kms and kmsMasterKeyId.",
    controls=("SOC2 CC6.1", "ISO 27001 A.8.24", "GDPR Art. 17", "GDPR Art. 32"),
    types=BUCKET_TYPES,
    check_stack=per_bucket("bucketServerSideEncryptionConfiguration", "nothing encrypts the bucket", check),
)
