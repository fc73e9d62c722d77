"""The tenants' snapshot buckets and keys as AWS itself tells, asked by boto3 and not by the provider."""

import json

import pytest

from infra.local.region import LocalRegion
from tests.e2e.conftest import aws

pytestmark = pytest.mark.cluster


@pytest.fixture(params=["acme", "globex"])
def tenant(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def bucket(region: LocalRegion, tenant: str) -> str:
    (found,) = [each["bucket"] for each in region.engine.stack_output()["tenants"] if each["id"] == tenant]
    return str(found)


def test_the_bucket_is_versioned(region: LocalRegion, bucket: str) -> None:
    with aws(region, "s3") as s3:
        assert s3.get_bucket_versioning(Bucket=bucket)["Status"] == "Enabled"


def test_the_bucket_is_encrypted_with_its_tenants_own_key(region: LocalRegion, tenant: str, bucket: str) -> None:
    with aws(region, "s3") as s3, aws(region, "kms") as kms:
        (rule,) = s3.get_bucket_encryption(Bucket=bucket)["ServerSideEncryptionConfiguration"]["Rules"]
        assert rule["ApplyServerSideEncryptionByDefault"]["SSEAlgorithm"] == "aws:kms"
        assert rule["BucketKeyEnabled"] is True
        key = rule["ApplyServerSideEncryptionByDefault"]["KMSMasterKeyID"]
        about = kms.describe_key(KeyId=key)["KeyMetadata"]
        assert about["KeyState"] == "Enabled"
        assert about["MultiRegion"] is True
        assert {"TagKey": "moltghost:tenant", "TagValue": tenant} in kms.list_resource_tags(KeyId=key)["Tags"]
        assert kms.get_key_rotation_status(KeyId=key)["KeyRotationEnabled"] is True


def test_the_bucket_is_private(region: LocalRegion, bucket: str) -> None:
    with aws(region, "s3") as s3:
        block = s3.get_public_access_block(Bucket=bucket)["PublicAccessBlockConfiguration"]
        ownership = s3.get_bucket_ownership_controls(Bucket=bucket)["OwnershipControls"]["Rules"]
    assert block == dict.fromkeys(
        ("BlockPublicAcls", "IgnorePublicAcls", "BlockPublicPolicy", "RestrictPublicBuckets"), True
    )
    assert ownership == [{"ObjectOwnership": "BucketOwnerEnforced"}]


def test_the_bucket_takes_tls_alone(region: LocalRegion, bucket: str) -> None:
    with aws(region, "s3") as s3:
        policy = json.loads(s3.get_bucket_policy(Bucket=bucket)["Policy"])
    (rule,) = [one for one in policy["Statement"] if one["Sid"] == "TlsOnly"]
    assert rule["Effect"] == "Deny"
    assert rule["Principal"] in ("*", {"AWS": "*"})
    assert rule["Action"] == "s3:*"
    assert rule["Condition"] == {"Bool": {"aws:SecureTransport": "false"}}
    assert set(rule["Resource"]) == {f"arn:aws:s3:::{bucket}", f"arn:aws:s3:::{bucket}/*"}


def test_each_tenant_has_a_key_of_its_own(region: LocalRegion) -> None:
    with aws(region, "kms") as kms:
        aliases = {
            alias["AliasName"]: alias["TargetKeyId"]
            for page in kms.get_paginator("list_aliases").paginate()
            for alias in page["Aliases"]
            if "moltghost" in alias["AliasName"]
        }
    tenants = region.tenants()
    assert len(aliases) == len(set(aliases.values())) == len(tenants), aliases
    assert all(any(tenant.id in name for name in aliases) for tenant in tenants)
