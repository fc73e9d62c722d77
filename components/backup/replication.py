"""How snapshots are copied into another region, as S3 and IAM read it."""

import json
from typing import Any

from components.backup.spec import ReplicationSpec, bucket_arn

# The only threshold S3 knows: https://docs.aws.amazon.com/AmazonS3/latest/userguide/replication-time-control.html
_PROMISED_MINUTES = 15


def build_trust_policy() -> str:
    """S3 alone takes the role, and only where a bucket of the account names it: whoever says so must pass the role."""
    statement = {"Effect": "Allow", "Principal": {"Service": "s3.amazonaws.com"}, "Action": "sts:AssumeRole"}
    return _document([statement])


def build_role_policy(spec: ReplicationSpec, source_key_arn: str, destination_key_arn: str) -> str:
    """The least S3 needs: read the versions of one bucket, write replicas into one other, each with its key.

    https://docs.aws.amazon.com/AmazonS3/latest/userguide/setting-repl-config-perm-overview.html
    """
    source, destination = bucket_arn(spec.bucket), bucket_arn(spec.to_bucket)
    versions = ["s3:GetObjectVersionAcl", "s3:GetObjectVersionForReplication", "s3:GetObjectVersionTagging"]
    locks = ["s3:GetObjectLegalHold", "s3:GetObjectRetention"] if spec.locked else []
    return _document(
        [
            _allow("Source", ["s3:GetReplicationConfiguration", "s3:ListBucket"], source),
            _allow("Versions", [*versions, *locks], f"{source}/*"),
            _allow("Replicas", ["s3:ReplicateDelete", "s3:ReplicateObject", "s3:ReplicateTags"], f"{destination}/*"),
            _with_key("Decrypt", ["kms:Decrypt"], source_key_arn, spec.aws_region, source),
            _with_key(
                "Encrypt", ["kms:Encrypt", "kms:GenerateDataKey"], destination_key_arn, spec.to_aws_region, destination
            ),
        ]
    )


def build_rule(spec: ReplicationSpec, destination_key_arn: str) -> dict[str, Any]:
    """The one rule: everything, re-encrypted with the other region's key, in 15 minutes and with metrics that tell.

    Delete markers are copied, so that both regions list the same snapshots and what retention removed does not come
    back after a failover. They take nothing away: the versions below them stay for the destination's own days, and S3
    never copies the deletion of a version.
    """
    return {
        "id": "all-snapshots",
        "priority": 0,
        "status": "Enabled",
        "filter": {"prefix": ""},
        "delete_marker_replication": {"status": "Enabled"},
        "source_selection_criteria": {"sse_kms_encrypted_objects": {"status": "Enabled"}},
        "destination": {
            "bucket": bucket_arn(spec.to_bucket),
            "encryption_configuration": {"replica_kms_key_id": destination_key_arn},
            "metrics": {"status": "Enabled", "event_threshold": {"minutes": _PROMISED_MINUTES}},
            "replication_time": {"status": "Enabled", "time": {"minutes": _PROMISED_MINUTES}},
        },
    }


def _allow(sid: str, actions: list[str], resource: str) -> dict[str, Any]:
    return {"Sid": sid, "Effect": "Allow", "Action": actions, "Resource": resource}


def _with_key(sid: str, actions: list[str], key: str, aws_region: str, bucket: str) -> dict[str, Any]:
    """With a bucket key the encryption context is the bucket."""
    through = {"kms:ViaService": f"s3.{aws_region}.amazonaws.com", "kms:EncryptionContext:aws:s3:arn": bucket}
    return {**_allow(sid, actions, key), "Condition": {"StringEquals": through}}


def _document(statements: list[dict[str, Any]]) -> str:
    return json.dumps({"Version": "2012-10-17", "Statement": statements}, sort_keys=True, separators=(",", ":"))
