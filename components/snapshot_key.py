"""The policy of a key that snapshots are encrypted with."""

import json

ADMINISTER = [
    "kms:CancelKeyDeletion",
    "kms:CreateAlias",
    "kms:DeleteAlias",
    "kms:DescribeKey",
    "kms:DisableKey",
    "kms:EnableKey",
    "kms:EnableKeyRotation",
    "kms:GetKeyPolicy",
    "kms:GetKeyRotationStatus",
    "kms:ListAliases",
    "kms:ListKeyPolicies",
    "kms:ListResourceTags",
    "kms:PutKeyPolicy",
    "kms:ScheduleKeyDeletion",
    "kms:TagResource",
    "kms:UntagResource",
    "kms:UpdateAlias",
    "kms:UpdateKeyDescription",
]
"""What an administrator of the account may do to a key itself: everything but use it."""


def build_key_policy(account_id: str, aws_region: str, bucket_arn: str) -> str:
    """Administrators administer; the key encrypts and decrypts only through S3, and only for the snapshot bucket.

    With a bucket key, S3's encryption context is the bucket, so that is what the condition names.
    """
    account = {"AWS": f"arn:aws:iam::{account_id}:root"}
    statements = [
        {"Sid": "Administer", "Effect": "Allow", "Principal": account, "Action": ADMINISTER, "Resource": "*"},
        {
            "Sid": "SnapshotsThroughS3Only",
            "Effect": "Allow",
            "Principal": account,
            "Action": ["kms:Decrypt", "kms:GenerateDataKey"],
            "Resource": "*",
            "Condition": {
                "StringEquals": {
                    "kms:CallerAccount": account_id,
                    "kms:ViaService": f"s3.{aws_region}.amazonaws.com",
                    "kms:EncryptionContext:aws:s3:arn": bucket_arn,
                }
            },
        },
    ]
    return json.dumps({"Version": "2012-10-17", "Statement": statements}, sort_keys=True, separators=(",", ":"))
