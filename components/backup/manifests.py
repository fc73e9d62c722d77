"""The rules of the snapshot bucket as S3 and KMS read them."""

import json
from collections.abc import Mapping
from typing import Any

from components import snapshot_key
from components.backup.spec import BackupSpec, bucket_arn, tenant_prefix
from components.labels import TenantId


def build_bucket_policy(spec: BackupSpec, key_arns: Mapping[TenantId, str]) -> str:
    """TLS only, and under each tenant's prefix nothing that isn't encrypted with that tenant's key.

    A write that names no key at all is refused as well: `StringNotEquals` holds when the header is missing. Raises
    KeyError if a tenant has no key.
    """
    arn = bucket_arn(spec.bucket)
    statements = [_tls_only(arn), _prefixes_only(arn, spec)]
    statements += [_own_key_only(arn, tenant, key_arns[tenant]) for tenant in spec.tenants]
    return json.dumps({"Version": "2012-10-17", "Statement": statements}, sort_keys=True, separators=(",", ":"))


def _tls_only(arn: str) -> dict[str, Any]:
    return {
        "Sid": "TlsOnly",
        "Effect": "Deny",
        "Principal": "*",
        "Action": "s3:*",
        "Resource": [arn, f"{arn}/*"],
        "Condition": {"Bool": {"aws:SecureTransport": "false"}},
    }


def _prefixes_only(arn: str, spec: BackupSpec) -> dict[str, Any]:
    return {
        "Sid": "TenantPrefixesOnly",
        "Effect": "Deny",
        "Principal": "*",
        "Action": "s3:PutObject",
        "NotResource": [f"{arn}/{tenant_prefix(tenant)}*" for tenant in spec.tenants] or [arn],
    }


def _own_key_only(arn: str, tenant: TenantId, key_arn: str) -> dict[str, Any]:
    return {
        "Sid": "OwnKeyOnly" + "".join(part.capitalize() for part in tenant.split("-")),
        "Effect": "Deny",
        "Principal": "*",
        "Action": "s3:PutObject",
        "Resource": f"{arn}/{tenant_prefix(tenant)}*",
        "Condition": {"StringNotEquals": {"s3:x-amz-server-side-encryption-aws-kms-key-id": key_arn}},
    }


def build_key_policy(spec: BackupSpec) -> str:
    """The policy of the bucket's own key: administrators decide who uses it, and it is used for the bucket only."""
    return snapshot_key.build_key_policy(spec.account_id, spec.aws_region, bucket_arn(spec.bucket))
