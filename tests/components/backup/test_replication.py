"""Copies in another region: what the role may, where the rule leads, and what is refused."""

import json
from typing import Any

import pytest
from pydantic import ValidationError

from components.backup.replication import build_role_policy, build_rule, build_trust_policy
from components.backup.spec import ReplicationSpec
from tests.components.specs import BUCKET, OTHER_BUCKET, REPLICATION

HERE = "arn:aws:kms:ap-southeast-1:123456789012:key/mrk-acme"
THERE = "arn:aws:kms:ap-southeast-3:123456789012:key/mrk-acme"


def rights(spec: ReplicationSpec = REPLICATION) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = json.loads(build_role_policy(spec, HERE, THERE))["Statement"]
    return found


def allowed(action: str, spec: ReplicationSpec = REPLICATION) -> list[str]:
    return [each["Resource"] for each in rights(spec) if action in each["Action"]]


def test_s3_alone_takes_the_role() -> None:
    (statement,) = json.loads(build_trust_policy())["Statement"]
    assert statement["Principal"] == {"Service": "s3.amazonaws.com"}


def test_the_role_reads_one_bucket_and_writes_one_other() -> None:
    assert allowed("s3:GetObjectVersionForReplication") == [f"arn:aws:s3:::{BUCKET}/*"]
    assert allowed("s3:ReplicateObject") == allowed("s3:ReplicateDelete") == [f"arn:aws:s3:::{OTHER_BUCKET}/*"]


def test_no_right_has_a_wildcard_or_reads_or_deletes_by_itself() -> None:
    actions = {action for each in rights() for action in each["Action"]}
    assert not any("*" in action for action in actions)
    assert not {"s3:GetObject", "s3:PutObject", "s3:DeleteObject", "s3:DeleteObjectVersion"} & actions
    assert all(each["Resource"] != "*" for each in rights())


def test_each_key_is_used_in_its_own_region_for_its_own_bucket() -> None:
    decrypt, encrypt = (next(each for each in rights() if each["Sid"] == sid) for sid in ("Decrypt", "Encrypt"))
    assert (decrypt["Resource"], encrypt["Resource"]) == (HERE, THERE)
    assert decrypt["Condition"]["StringEquals"] == {
        "kms:ViaService": "s3.ap-southeast-1.amazonaws.com",
        "kms:EncryptionContext:aws:s3:arn": f"arn:aws:s3:::{BUCKET}",
    }
    assert encrypt["Condition"]["StringEquals"] == {
        "kms:ViaService": "s3.ap-southeast-3.amazonaws.com",
        "kms:EncryptionContext:aws:s3:arn": f"arn:aws:s3:::{OTHER_BUCKET}",
    }


def test_locks_are_read_where_there_are_any() -> None:
    assert allowed("s3:GetObjectRetention") == []
    locked = REPLICATION.model_copy(update={"locked": True})
    assert allowed("s3:GetObjectRetention", locked) == [f"arn:aws:s3:::{BUCKET}/*"]


def test_everything_is_copied_encrypted_anew_and_within_a_promised_time() -> None:
    rule = build_rule(REPLICATION, THERE)
    assert rule["filter"] == {"prefix": ""}
    assert rule["source_selection_criteria"] == {"sse_kms_encrypted_objects": {"status": "Enabled"}}
    assert rule["destination"]["bucket"] == f"arn:aws:s3:::{OTHER_BUCKET}"
    assert rule["destination"]["encryption_configuration"] == {"replica_kms_key_id": THERE}
    assert rule["destination"]["replication_time"]["time"] == rule["destination"]["metrics"]["event_threshold"]
    assert rule["delete_marker_replication"] == {"status": "Enabled"}


@pytest.mark.parametrize(
    ("field", "value"), [("to_region", "sin"), ("to_aws_region", "ap-southeast-1"), ("to_bucket", BUCKET)]
)
def test_a_copy_beside_the_first_is_refused(field: str, value: str) -> None:
    with pytest.raises(ValidationError, match="another region"):
        ReplicationSpec.model_validate({**dict(REPLICATION), field: value})
