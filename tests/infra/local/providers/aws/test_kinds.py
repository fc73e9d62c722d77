"""The local `aws` provider's kinds against moto: what was asked for is there, what drifts shows, nothing is doubled."""

import json
from typing import Any

import pytest

from infra.local.providers.aws.provider import KINDS, AwsProvider
from infra.local.providers.aws.session import OWNER_TAG
from infra.local.providers.base import Call, InvalidInputsError, Live, ProviderError
from infra.local.providers.properties import UNKNOWN

BUCKET = "moltghost-test"
KEY = "aws:kms/key:Key"
BUCKET_TYPE = "aws:s3/bucket:Bucket"
POLICY = json.dumps({"Version": "2012-10-17", "Statement": []})

ASPECTS: dict[str, tuple[dict[str, Any], dict[str, Any]]] = {
    "aws:s3/bucketVersioning:BucketVersioning": (
        {"versioningConfiguration": {"status": "Enabled"}},
        {"versioningConfiguration": {"status": "Suspended"}},
    ),
    "aws:s3/bucketServerSideEncryptionConfiguration:BucketServerSideEncryptionConfiguration": (
        {
            "rules": [
                {
                    "applyServerSideEncryptionByDefault": {"sseAlgorithm": "aws:kms", "kmsMasterKeyId": "one"},
                    "bucketKeyEnabled": True,
                }
            ]
        },
        {"rules": [{"applyServerSideEncryptionByDefault": {"sseAlgorithm": "aws:kms", "kmsMasterKeyId": "two"}}]},
    ),
    "aws:s3/bucketPublicAccessBlock:BucketPublicAccessBlock": (
        {"blockPublicAcls": True, "blockPublicPolicy": True, "ignorePublicAcls": True, "restrictPublicBuckets": True},
        {"blockPublicAcls": True, "blockPublicPolicy": False, "ignorePublicAcls": True, "restrictPublicBuckets": True},
    ),
    "aws:s3/bucketOwnershipControls:BucketOwnershipControls": (
        {"rule": {"objectOwnership": "BucketOwnerEnforced"}},
        {"rule": {"objectOwnership": "ObjectWriter"}},
    ),
    "aws:s3/bucketPolicy:BucketPolicy": (
        {"policy": POLICY},
        {"policy": json.dumps({"Version": "2012-10-17", "Statement": [], "Id": "other"})},
    ),
    "aws:s3/bucketLifecycleConfiguration:BucketLifecycleConfiguration": (
        {
            "rules": [
                {
                    "id": "old-versions",
                    "status": "Enabled",
                    "filter": {"prefix": ""},
                    "noncurrentVersionExpiration": {"noncurrentDays": 30},
                    "abortIncompleteMultipartUpload": {"daysAfterInitiation": 2},
                }
            ]
        },
        {
            "rules": [
                {
                    "id": "old-versions",
                    "status": "Enabled",
                    "filter": {"prefix": ""},
                    "noncurrentVersionExpiration": {"noncurrentDays": 7},
                    "abortIncompleteMultipartUpload": {"daysAfterInitiation": 2},
                }
            ]
        },
    ),
}


def call(kind: str, name: str = "one", **fields: Any) -> Call:
    return Call(urn=f"urn:pulumi:test::moltghost::{kind}::{name}", type=kind, name=name, **fields)


def make(provider: AwsProvider, kind: str, inputs: dict[str, Any], **fields: Any) -> Live:
    it = provider.kind(kind)
    return it.create(call(kind, **fields), it.check(call(kind), inputs, {}))


def declared(provider: AwsProvider, kind: str, live: Live, inputs: dict[str, Any]) -> dict[str, Any] | None:
    """What a refresh reports as inputs; None when the thing is gone."""
    found = provider.kind(kind).read(call(kind, id=live.id), live.state, inputs)
    return found.inputs if found else None


@pytest.mark.parametrize("kind", ASPECTS)
def test_an_aspect_of_a_bucket_is_set_seen_changed_and_removed(provider: AwsProvider, kind: str) -> None:
    make(provider, BUCKET_TYPE, {"bucket": BUCKET})
    first, second = ({"bucket": BUCKET, **inputs} for inputs in ASPECTS[kind])
    live = make(provider, kind, first)
    assert declared(provider, kind, live, first) == first

    it = provider.kind(kind)
    it.update(call(kind, id=live.id), live.state, first, second)
    assert declared(provider, kind, live, second) == second
    drifted = declared(provider, kind, live, first)
    assert it.diff(call(kind), drifted or {}, {}, first).changes, "what was changed by another hand must show"

    it.delete(call(kind, id=live.id), live.state, second)
    assert declared(provider, kind, live, first) != first
    it.delete(call(kind, id=live.id), live.state, second)


def test_what_is_said_of_a_bucket_goes_with_the_bucket(provider: AwsProvider) -> None:
    bucket = make(provider, BUCKET_TYPE, {"bucket": BUCKET})
    kind = "aws:s3/bucketPolicy:BucketPolicy"
    live = make(provider, kind, {"bucket": BUCKET, "policy": POLICY})
    provider.kind(BUCKET_TYPE).delete(call(BUCKET_TYPE, id=bucket.id), bucket.state, {})
    assert declared(provider, kind, live, {"bucket": BUCKET, "policy": POLICY}) is None


def test_a_key_is_as_declared_and_gone_once_its_deletion_is_scheduled(provider: AwsProvider) -> None:
    inputs = {
        "description": "one tenant's key",
        "policy": POLICY,
        "enableKeyRotation": True,
        "rotationPeriodInDays": 365,
        "deletionWindowInDays": 7,
        "tags": {"tenant": "acme"},
    }
    live = make(provider, KEY, inputs)
    assert live.state["arn"].startswith("arn:aws:kms:ap-southeast-1:")
    assert live.state["tagsAll"] == {"managed-by": "moltghost", "tenant": "acme"}
    assert declared(provider, KEY, live, inputs) == inputs

    changed = inputs | {"description": "other", "tags": {}}
    provider.kind(KEY).update(call(KEY, id=live.id), live.state, inputs, changed)
    assert declared(provider, KEY, live, changed) == changed
    assert declared(provider, KEY, live, inputs) != inputs

    provider.kind(KEY).delete(call(KEY, id=live.id), live.state, inputs)
    assert declared(provider, KEY, live, inputs) is None


def test_a_key_made_by_a_killed_engine_is_adopted_and_a_recorded_one_is_not(provider: AwsProvider) -> None:
    first = make(provider, KEY, {"description": "key"})
    again = make(provider, KEY, {"description": "changed meanwhile"})
    assert again.id == first.id
    assert declared(provider, KEY, again, {"description": "changed meanwhile"}) == {"description": "changed meanwhile"}

    replacement = make(provider, KEY, {"description": "key"}, known_ids=frozenset({first.id}))
    other = make(provider, KEY, {"description": "key"}, name="two")
    assert len({first.id, replacement.id, other.id}) == 3


def test_an_alias_made_by_a_killed_engine_is_adopted(provider: AwsProvider) -> None:
    kind = "aws:kms/alias:Alias"
    keys = [make(provider, KEY, {"description": name}, name=name).id for name in ("a", "b")]
    for key in keys:
        live = make(provider, kind, {"name": "alias/moltghost/x", "targetKeyId": key})
    inputs = {"name": "alias/moltghost/x", "targetKeyId": keys[1]}
    assert declared(provider, kind, live, inputs) == inputs
    assert live.state["targetKeyArn"].endswith(keys[1])
    provider.kind(kind).delete(call(kind, id=live.id), live.state, inputs)
    provider.kind(kind).delete(call(kind, id=live.id), live.state, inputs)
    assert declared(provider, kind, live, inputs) is None


def test_a_bucket_of_ours_is_adopted_and_anothers_is_not(provider: AwsProvider) -> None:
    live = make(provider, BUCKET_TYPE, {"bucket": BUCKET, "tags": {"tier": "snapshots"}})
    assert make(provider, BUCKET_TYPE, {"bucket": BUCKET}).id == live.id
    with pytest.raises(ProviderError, match="was not made by this program"):
        make(provider, BUCKET_TYPE, {"bucket": BUCKET}, name="another")


def test_a_bucket_its_maker_had_no_time_to_mark_is_adopted_while_it_is_empty(provider: AwsProvider) -> None:
    assert provider.session is not None
    s3 = provider.session.s3
    for name in ("bare", "full"):
        s3.create_bucket(Bucket=f"{BUCKET}-{name}", CreateBucketConfiguration={"LocationConstraint": "ap-southeast-1"})
    s3.put_object(Bucket=f"{BUCKET}-full", Key="k", Body=b"x")
    make(provider, BUCKET_TYPE, {"bucket": f"{BUCKET}-bare"})
    tags = {tag["Key"] for tag in s3.get_bucket_tagging(Bucket=f"{BUCKET}-bare")["TagSet"]}
    assert OWNER_TAG in tags
    with pytest.raises(ProviderError, match=f"{BUCKET}-full exists"):
        make(provider, BUCKET_TYPE, {"bucket": f"{BUCKET}-full"})


def test_a_bucket_with_content_is_only_deleted_when_told_to(provider: AwsProvider) -> None:
    live = make(provider, BUCKET_TYPE, {"bucket": BUCKET})
    make(
        provider,
        "aws:s3/bucketVersioning:BucketVersioning",
        {"bucket": BUCKET, "versioningConfiguration": {"status": "Enabled"}},
    )
    assert provider.session is not None
    for _ in range(2):
        provider.session.s3.put_object(Bucket=BUCKET, Key="snapshot", Body=b"x")
    bucket, at = provider.kind(BUCKET_TYPE), call(BUCKET_TYPE, id=live.id)
    with pytest.raises(ProviderError, match="not empty"):
        bucket.delete(at, live.state, {"bucket": BUCKET})
    bucket.delete(at, live.state, {"bucket": BUCKET, "forceDestroy": True})
    assert declared(provider, BUCKET_TYPE, live, {"bucket": BUCKET}) is None


def test_an_import_reads_all_there_is(provider: AwsProvider) -> None:
    make(provider, BUCKET_TYPE, {"bucket": BUCKET, "tags": {"tier": "snapshots"}})
    found = provider.kind(BUCKET_TYPE).read(call(BUCKET_TYPE, id=BUCKET), {}, {})
    assert found is not None
    assert found.inputs == {"bucket": BUCKET, "objectLockEnabled": False, "tags": {"tier": "snapshots"}}


def test_an_unknown_type_is_an_error_that_names_it_and_those_known(provider: AwsProvider) -> None:
    with pytest.raises(ProviderError, match="aws:lambda/function:Function: the local aws provider has no such type"):
        provider.kind("aws:lambda/function:Function")
    assert set(ASPECTS) < set(KINDS)


@pytest.mark.parametrize(
    ("kind", "inputs", "message"),
    [
        (
            BUCKET_TYPE,
            {"bucket": BUCKET, "acl": "private"},
            f"acl: is not supported .* {BUCKET_TYPE} it knows bucket",
        ),
        (BUCKET_TYPE, {}, f"bucket: must be given for {BUCKET_TYPE}"),
        (KEY, {"keyUsage": "SIGN_VERIFY"}, f"keyUsage: is not supported by the local aws provider; of {KEY}"),
        ("aws:kms/alias:Alias", {"namePrefix": "alias/x"}, "targetKeyId: must be given.*namePrefix: is not supported"),
        ("aws:s3/bucketVersioning:BucketVersioning", {"bucket": BUCKET}, "versioningConfiguration: must be given"),
        (
            "aws:s3/bucketPolicy:BucketPolicy",
            {"bucket": BUCKET, "policy": POLICY, "region": "eu-west-1"},
            "region: is not supported",
        ),
    ],
)
def test_inputs_that_cannot_be_honoured_are_named(
    provider: AwsProvider, kind: str, inputs: dict[str, Any], message: str
) -> None:
    with pytest.raises(InvalidInputsError, match=message):
        provider.kind(kind).check(call(kind), inputs, {})


def test_values_known_only_later_pass_the_check(provider: AwsProvider) -> None:
    inputs = {"bucket": UNKNOWN, "policy": UNKNOWN}
    kind = "aws:s3/bucketPolicy:BucketPolicy"
    assert provider.kind(kind).check(call(kind), inputs, {}) == inputs


def test_a_replication_is_read_back_whole(provider: AwsProvider) -> None:
    kind = "aws:s3/bucketReplicationConfig:BucketReplicationConfig"
    make(provider, BUCKET_TYPE, {"bucket": BUCKET})
    versioning = {"bucket": BUCKET, "versioningConfiguration": {"status": "Enabled"}}
    make(provider, "aws:s3/bucketVersioning:BucketVersioning", versioning)
    rule = {
        "id": "snapshots",
        "status": "Enabled",
        "priority": 2,
        "filter": {"prefix": "acme/"},
        "deleteMarkerReplication": {"status": "Enabled"},
        "sourceSelectionCriteria": {"sseKmsEncryptedObjects": {"status": "Enabled"}},
        "destination": {
            "bucket": "arn:aws:s3:::other",
            "storageClass": "STANDARD_IA",
            "encryptionConfiguration": {"replicaKmsKeyId": "arn:aws:kms:us-east-1:123456789012:key/mrk-1"},
        },
    }
    inputs = {"bucket": BUCKET, "role": "arn:aws:iam::123456789012:role/replication", "rules": [rule]}
    live = make(provider, kind, inputs)
    assert declared(provider, kind, live, inputs) == inputs
    changed = inputs | {"rules": [rule | {"deleteMarkerReplication": {"status": "Disabled"}}]}
    provider.kind(kind).update(call(kind, id=live.id), live.state, inputs, changed)
    assert declared(provider, kind, live, inputs) == changed
    provider.kind(kind).delete(call(kind, id=live.id), live.state, changed)
    assert declared(provider, kind, live, changed) is None


def test_a_key_of_many_regions_is_another_key(provider: AwsProvider) -> None:
    one = make(provider, KEY, {"description": "key"})
    many = make(provider, KEY, {"description": "key", "multiRegion": True})
    assert many.id.startswith("mrk-") != one.id.startswith("mrk-")
    assert declared(provider, KEY, many, {"multiRegion": True}) == {"multiRegion": True}
    assert provider.kind(KEY).diff(call(KEY), {"multiRegion": True}, {}, {"multiRegion": False}).replaces
