"""The rules of a snapshot bucket as S3 reads them."""

import json
from typing import Any

from components.backup.spec import BackupSpec, bucket_arn

_ENCRYPTION = "s3:x-amz-server-side-encryption"
_KEY = f"{_ENCRYPTION}-aws-kms-key-id"
_CUSTOMERS_OWN = f"{_ENCRYPTION}-customer-algorithm"


def build_bucket_policy(spec: BackupSpec, key_arn: str) -> str:
    """TLS only, nobody of another account, and nothing that isn't encrypted with the customer's own key.

    A write that says nothing of encryption gets that key, which is the bucket's default. One that says something must
    name it: S3 would take an unnamed key of its own for `aws:kms` alone, and any of the account's keys if it is named.
    https://docs.aws.amazon.com/AmazonS3/latest/userguide/UsingKMSEncryption.html
    """
    arn = bucket_arn(spec.bucket)
    statements = [
        _deny("TlsOnly", "s3:*", [arn, f"{arn}/*"], {"Bool": {"aws:SecureTransport": "false"}}),
        # A service of AWS that acts for itself has no account; whom it acts for is told by its own permissions.
        _deny(
            "OwnAccountOnly",
            "s3:*",
            [arn, f"{arn}/*"],
            {
                "StringNotEquals": {"aws:PrincipalAccount": spec.account_id},
                "BoolIfExists": {"aws:PrincipalIsAWSService": "false"},
            },
        ),
        _deny_write(arn, "OwnKeyOnly", {"Null": {_KEY: "false"}, "StringNotEquals": {_KEY: key_arn}}),
        _deny_write(
            arn, "NoOtherEncryption", {"Null": {_ENCRYPTION: "false"}, "StringNotEquals": {_ENCRYPTION: "aws:kms"}}
        ),
        _deny_write(arn, "NoUnnamedKey", {"Null": {_ENCRYPTION: "false", _KEY: "true"}}),
        _deny_write(arn, "NoKeyOfTheCallers", {"Null": {_CUSTOMERS_OWN: "false"}}),
    ]
    return _document(statements)


def _deny_write(arn: str, sid: str, condition: dict[str, Any]) -> dict[str, Any]:
    return _deny(sid, "s3:PutObject", [f"{arn}/*"], condition)


def _deny(sid: str, action: str, resources: list[str], condition: dict[str, Any]) -> dict[str, Any]:
    return {
        "Sid": sid,
        "Effect": "Deny",
        "Principal": "*",
        "Action": action,
        "Resource": resources,
        "Condition": condition,
    }


def _document(statements: list[dict[str, Any]]) -> str:
    return json.dumps({"Version": "2012-10-17", "Statement": statements}, sort_keys=True, separators=(",", ":"))
