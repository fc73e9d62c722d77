"""What is overwritten in a bucket can be had back."""

from policies.buckets import BUCKET_TYPES, per_bucket
from policies.field import Field, Findings
from policies.rule import Rule


def check(versioning: Field, _: Field) -> Findings:
    """Versioning is on."""
    status = versioning.at("versioningConfiguration", "status")
    yield from status.require(lambda value: value == "Enabled", "what is overwritten would be gone")


RULE = Rule(
    name="bucket-is-versioned",
    says="Every bucket keeps versions.",
    reason="A snapshot that a mistake or an intruder overwrites is the one that was needed.",
    remedy="Declare a BucketVersioning with status Enabled.",
    controls=("SOC2 A1.2", "ISO 27001 A.8.13", "GDPR Art. 32"),
    types=BUCKET_TYPES,
    check_stack=per_bucket("bucketVersioning", "nothing keeps the bucket's versions", check),
)
