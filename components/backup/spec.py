"""Where a region's snapshots are kept, and for how long."""

from pydantic import Field

from components.labels import Region, TenantId
from components.values import Label, Values

MAX_TENANTS = 32
"""Tenants one bucket can keep apart: S3 takes a bucket policy of 20 KB, and each tenant has a statement in it."""


class BackupSpec(Values):
    """One region's snapshot bucket.

    `noncurrent_days`: days an overwritten or deleted snapshot can still be had back. `lock_days`: days nobody, not even
    the account's root, can delete a snapshot (object lock, compliance mode); None leaves the lock off. It can be chosen
    only when the bucket is made. `delete_with_stack` lets a destroy take the snapshots along.
    """

    bucket: Label
    region: Region
    aws_region: str
    account_id: str = Field(pattern=r"^\d{12}$")
    tenants: tuple[TenantId, ...] = Field(max_length=MAX_TENANTS)
    noncurrent_days: int = Field(ge=1)
    lock_days: int | None = Field(default=None, ge=1)
    delete_with_stack: bool = False
    key_deletion_window_days: int = Field(default=30, ge=7, le=30)


def bucket_arn(bucket: str) -> str:
    """The ARN of a bucket, known before the bucket is there."""
    return f"arn:aws:s3:::{bucket}"


def tenant_prefix(tenant: TenantId) -> str:
    """Where in the bucket a tenant's snapshots lie."""
    return f"tenants/{tenant}/"
