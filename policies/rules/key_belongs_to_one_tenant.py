"""Each tenant's data is encrypted with a key of its own."""

from collections.abc import Iterator

from policies.declared import Declared
from policies.field import Field, Finding, inputs_of
from policies.record import Resource
from policies.rule import Rule

TENANT_TAG = "moltghost:tenant"
_BUCKET = "aws:s3/bucket:Bucket"
_KEYS = ("aws:kms/key:Key", "aws:kms/replicaKey:ReplicaKey")
_ENCRYPTION = "aws:s3/bucketServerSideEncryptionConfiguration:BucketServerSideEncryptionConfiguration"


def tenant_of(resource: Resource) -> Field:
    """The tenant's tag of a resource."""
    return inputs_of(resource).at("tags", TENANT_TAG)


def _encryption(declared: Declared) -> Iterator[tuple[Resource, Finding]]:
    """A tenant's bucket is encrypted with a key that carries the same tenant's tag."""
    for bucket in declared.of(_BUCKET):
        owner = tenant_of(bucket)
        if not owner.is_set:
            continue
        for config in declared.referring(bucket, "bucket", "bucket", _ENCRYPTION):
            keys = declared.referred(config, "rules", *_KEYS)
            if not keys:
                yield config, inputs_of(config)["rules"].fail("names no key that is declared beside it as the tenant's")
            for key in keys:
                if tenant_of(key).value != owner.value:
                    says = f"{bucket.name} of {owner.value} is encrypted with {key.name}, which is not {owner.value}'s"
                    yield config, inputs_of(config)["rules"].fail(says)


def _aliases(declared: Declared) -> Iterator[tuple[Resource, Finding]]:
    """No two keys go by one alias under one provider."""
    seen: dict[tuple[str | None, str], Resource] = {}
    for alias in declared.of("aws:kms/alias:Alias"):
        name = inputs_of(alias)["name"]
        first = seen.setdefault((alias.provider, name.text()), alias)
        if name.text() and first is not alias:
            yield alias, name.fail(f"{first.name} has the same alias: one of two keys would be used for both")


def _contexts(declared: Declared) -> Iterator[tuple[Resource, Finding]]:
    """A tenant's key is used for buckets of that tenant alone."""
    owners = {inputs_of(each)["bucket"].text(): tenant_of(each).value for each in declared.of(_BUCKET)}
    for key in declared.of(*_KEYS):
        owner = tenant_of(key)
        document = inputs_of(key)["policy"].parsed()
        for statement in document["Statement"].each() if owner.is_set else ():
            named = statement.at("Condition", "StringEquals", "kms:EncryptionContext:aws:s3:arn")
            for finding in named.unknown_parts():
                yield key, finding
            for arn in named.texts():
                other = owners.get(arn.rpartition(":")[2].partition("/")[0], owner.value)
                if other not in (None, owner.value):
                    yield key, named.fail(f"{arn} is a bucket of {other}, and the key is {owner.value}'s")


def check(declared: Declared) -> Iterator[tuple[Resource, Finding]]:
    """One tenant, one key: as the buckets name it, as aliases call it, and as its own policy has it used."""
    yield from _encryption(declared)
    yield from _aliases(declared)
    yield from _contexts(declared)


RULE = Rule(
    name="key-belongs-to-one-tenant",
    says="A tenant's bucket is encrypted with that tenant's own key; no two keys share an alias.",
    reason="With a key of its own a tenant's data can be shut away, and destroyed, without touching another's.",
    remedy=f"Encrypt with the key tagged {TENANT_TAG} for the same tenant.",
    controls=("SOC2 CC6.1", "ISO 27001 A.8.24", "GDPR Art. 17", "GDPR Art. 32"),
    types=(_ENCRYPTION, "aws:kms/alias:Alias", *_KEYS),
    check_stack=check,
)
