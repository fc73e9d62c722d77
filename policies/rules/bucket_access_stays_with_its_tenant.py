"""Who may read one tenant's part of a bucket reads no other's."""

from collections.abc import Iterator

from policies.declared import Declared
from policies.field import Field, Finding, Findings, inputs_of
from policies.iam import allows, does_any, principals, says_who_asks, unknown_parts
from policies.record import Resource
from policies.rule import Rule
from policies.rules.key_belongs_to_one_tenant import tenant_of

_POLICY = "aws:s3/bucketPolicy:BucketPolicy"
_IDENTITY = ("aws:iam/rolePolicy:RolePolicy", "aws:iam/policy:Policy", "aws:iam/userPolicy:UserPolicy")
_OBJECTS = ("s3:GetObject", "s3:PutObject", "s3:DeleteObject", "s3:ListBucket")
_PREFIX = "arn:aws:s3:::"


def _names_no_bucket(arn: str) -> bool:
    bucket = arn.removeprefix(_PREFIX).partition("/")[0] if arn.startswith(_PREFIX) else arn
    return "*" in bucket or "?" in bucket


def _is_whole(arn: str) -> bool:
    """Whether an ARN means every object of its bucket."""
    return arn.partition("/")[2].startswith(("*", "?"))


def _bucket_statement(statement: Field, *, shared: bool) -> Findings:
    yield from unknown_parts(statement, "Principal", "Condition", *(("Action", "Resource") if shared else ()))
    if not statement.is_known:
        return
    for _, name in principals(statement):
        if name == "*" and not says_who_asks(statement):
            yield statement["Principal"].fail("anyone may")
    if statement["NotPrincipal"].is_set:
        yield statement["NotPrincipal"].fail("anyone else may")
    for arn in statement["Resource"].texts() if shared else ():
        if _is_whole(arn) and does_any(statement, _OBJECTS):
            yield statement["Resource"].fail(f"{arn} is every tenant's part of a shared bucket")


def _identity_statement(statement: Field) -> Findings:
    yield from unknown_parts(statement, "Action")
    if not does_any(statement, _OBJECTS):
        return
    yield from statement["Resource"].unknown_parts()
    for arn in statement["Resource"].texts():
        if _names_no_bucket(arn):
            yield statement["Resource"].fail(f"{arn} takes in every tenant's bucket")


def check(declared: Declared) -> Iterator[tuple[Resource, Finding]]:
    """A shared bucket is given out by prefix; no identity is given buckets it doesn't name."""
    owned = {
        policy.urn
        for bucket in declared.of("aws:s3/bucket:Bucket")
        if tenant_of(bucket).is_set
        for policy in declared.referring(bucket, "bucket", "bucket", _POLICY)
    }
    for policy in declared.of(_POLICY, *_IDENTITY):
        for statement in allows(inputs_of(policy)["policy"]):
            for finding in _judged(policy, statement, shared=policy.urn not in owned):
                yield policy, finding


def _judged(policy: Resource, statement: Field, *, shared: bool) -> Findings:
    if policy.type == _POLICY:
        return _bucket_statement(statement, shared=shared)
    return _identity_statement(statement)


RULE = Rule(
    name="bucket-access-stays-with-its-tenant",
    says="A bucket is one tenant's, or given out by each tenant's prefix; no role may read buckets it doesn't name.",
    reason="A wildcard in a bucket's policy, or in a role's, is every tenant's snapshots.",
    remedy="Name the bucket and the tenant's prefix (arn:aws:s3:::<bucket>/<tenant>/*).",
    controls=("SOC2 CC6.1", "SOC2 CC6.3", "ISO 27001 A.5.15", "ISO 27001 A.8.3", "GDPR Art. 32"),
    types=(_POLICY, *_IDENTITY),
    check_stack=check,
)
