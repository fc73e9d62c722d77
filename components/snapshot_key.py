"""The policy of a key that snapshots are encrypted with."""

import json
from typing import Any

from components import key_policy


def build_key_policy(account_id: str, aws_region: str, bucket_arn: str, replica_regions: tuple[str, ...] = ()) -> str:
    """Administrators administer; the key encrypts and decrypts only through S3, and only for the snapshot bucket.

    With a bucket key, S3's encryption context is the bucket, so that is what the condition names. A replica can be
    made in `replica_regions` (AWS's names) and nowhere else: the key's own policy holds its customer's residency.
    https://docs.aws.amazon.com/kms/latest/developerguide/conditions-kms.html
    """
    account = key_policy.account_principal(account_id)
    statements = [key_policy.administer(account_id)]
    if replica_regions:
        statements.append(_replicate(account, replica_regions))
    used = {
        "Sid": "SnapshotsThroughS3Only",
        "Effect": "Allow",
        "Principal": account,
        "Action": ["kms:Decrypt", "kms:Encrypt", "kms:GenerateDataKey"],
        "Resource": "*",
        "Condition": {
            "StringEquals": {
                "kms:CallerAccount": account_id,
                "kms:ViaService": f"s3.{aws_region}.amazonaws.com",
                "kms:EncryptionContext:aws:s3:arn": bucket_arn,
            }
        },
    }
    return json.dumps(
        {"Version": "2012-10-17", "Statement": [*statements, used]}, sort_keys=True, separators=(",", ":")
    )


def _replicate(account: dict[str, str], regions: tuple[str, ...]) -> dict[str, Any]:
    return {
        "Sid": "ReplicateInsideTheResidencyOnly",
        "Effect": "Allow",
        "Principal": account,
        "Action": "kms:ReplicateKey",
        "Resource": "*",
        "Condition": {"StringEquals": {"kms:ReplicaRegion": list(regions)}},
    }
