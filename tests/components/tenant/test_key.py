"""The key's policy: through S3, for one bucket, and replicas inside the residency alone."""

import json
from typing import Any

import pytest

from components.tenant.key import alias_name, build_key_policy, build_replica_policy
from components.tenant.spec import KeyReplicaSpec
from tests.components.specs import ACCOUNT, BUCKET, JKT, OTHER_BUCKET, SIN, TENANT_KEY

REPLICA = KeyReplicaSpec(region=JKT, aws_region="ap-southeast-3", bucket_arn=f"arn:aws:s3:::{OTHER_BUCKET}")
AT_HOME = TENANT_KEY.model_copy(update={"replica": None})
USE = {"kms:Decrypt", "kms:Encrypt", "kms:GenerateDataKey"}


def allowing(policy: str, action: str) -> list[dict[str, Any]]:
    return [each for each in json.loads(policy)["Statement"] if action in each["Action"]]


@pytest.mark.parametrize(
    ("policy", "aws_region", "bucket"),
    [
        (build_key_policy(TENANT_KEY), "ap-southeast-1", BUCKET),
        (build_key_policy(AT_HOME), "ap-southeast-1", BUCKET),
        (build_replica_policy(TENANT_KEY, REPLICA), "ap-southeast-3", OTHER_BUCKET),
    ],
)
def test_it_is_used_through_s3_for_the_bucket_beside_it_alone(policy: str, aws_region: str, bucket: str) -> None:
    (use,) = allowing(policy, "kms:Decrypt")
    assert set(use["Action"]) == USE
    assert use["Condition"]["StringEquals"] == {
        "kms:CallerAccount": ACCOUNT,
        "kms:ViaService": f"s3.{aws_region}.amazonaws.com",
        "kms:EncryptionContext:aws:s3:arn": f"arn:aws:s3:::{bucket}",
    }


def test_a_replica_is_made_in_the_failover_region_and_in_no_other() -> None:
    (made,) = allowing(build_key_policy(TENANT_KEY), "kms:ReplicateKey")
    assert made["Condition"] == {"StringEquals": {"kms:ReplicaRegion": ["ap-southeast-3"]}}


def test_the_key_of_a_customer_that_stays_at_home_has_no_replica() -> None:
    assert allowing(build_key_policy(AT_HOME), "kms:ReplicateKey") == []


def test_no_replica_is_made_of_a_replica() -> None:
    assert allowing(build_replica_policy(TENANT_KEY, REPLICA), "kms:ReplicateKey") == []


def test_administrators_do_not_use_it() -> None:
    (administer,) = [
        each for each in json.loads(build_key_policy(TENANT_KEY))["Statement"] if each["Sid"] == "Administer"
    ]
    assert not USE & set(administer["Action"])
    assert not any("*" in action for action in administer["Action"])


def test_nobody_outside_the_account_is_named() -> None:
    for policy in (build_key_policy(TENANT_KEY), build_replica_policy(TENANT_KEY, REPLICA)):
        principals = [each["Principal"] for each in json.loads(policy)["Statement"]]
        assert principals == [{"AWS": f"arn:aws:iam::{ACCOUNT}:root"}] * len(principals)


def test_tenants_and_regions_have_aliases_of_their_own() -> None:
    assert alias_name(TENANT_KEY, SIN) == "alias/moltghost/sin/acme"
    assert alias_name(TENANT_KEY, JKT) == "alias/moltghost/jkt/acme"
    assert alias_name(TENANT_KEY.model_copy(update={"tenant": "globex"}), SIN) == "alias/moltghost/sin/globex"
