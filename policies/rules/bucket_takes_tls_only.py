"""Nothing of a bucket travels in the clear."""

from policies.buckets import BUCKET_TYPES, per_bucket
from policies.field import Field, Findings
from policies.iam import denies
from policies.rule import Rule


def _refuses_plain(statement: Field) -> bool:
    plain = statement.at("Condition", "Bool", "aws:SecureTransport").texts() == ["false"]
    everyone = statement["Principal"].value == "*" or statement.at("Principal", "AWS").value == "*"
    resources = statement["Resource"].texts()
    whole = any(each.endswith("/*") for each in resources) and any(not each.endswith("/*") for each in resources)
    return plain and everyone and "s3:*" in statement["Action"].texts() and whole


def check(policy: Field, _: Field) -> Findings:
    """The bucket's policy denies everything that doesn't come by TLS."""
    document = policy["policy"].parsed()
    if any(map(_refuses_plain, denies(document))):
        return
    unknown = list(document.unknown_parts())
    yield unknown[0] if unknown else document.fail("requests in the clear would be answered")


RULE = Rule(
    name="bucket-takes-tls-only",
    says="Every bucket's policy denies requests that don't come by TLS.",
    reason="A client that is set up wrongly would else send a snapshot through whoever listens.",
    remedy="Deny s3:* to * on the bucket and its objects where aws:SecureTransport is false.",
    controls=("CIS AWS 2.1.1", "SOC2 CC6.7", "ISO 27001 A.8.20", "GDPR Art. 32"),
    types=BUCKET_TYPES,
    check_stack=per_bucket("bucketPolicy", "the bucket has no policy", check),
)
