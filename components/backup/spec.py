"""Where one customer's snapshots are kept, for how long, and where their copies go."""

from typing import Self

from pydantic import Field, model_validator

from components.labels import Region, TenantId
from components.values import Label, Values


class BackupSpec(Values):
    """One customer's snapshot bucket in one region.

    `noncurrent_days`: days an overwritten or deleted snapshot can still be had back. `lock_days`: days nobody, not even
    the account's root, can delete a snapshot (object lock, compliance mode); None leaves the lock off. It can be chosen
    only when the bucket is made. `delete_with_stack` lets a destroy take the snapshots along.
    """

    bucket: Label
    tenant: TenantId
    region: Region
    aws_region: str
    account_id: str = Field(pattern=r"^\d{12}$")
    noncurrent_days: int = Field(ge=1)
    lock_days: int | None = Field(default=None, ge=1)
    delete_with_stack: bool = False


class ReplicationSpec(Values):
    """One customer's snapshots copied from its bucket in one region into its bucket in another, of the same account.

    `aws_region` and `to_aws_region` are AWS's names of the two; whoever makes the spec keeps them inside the residency.
    """

    tenant: TenantId
    region: Region
    aws_region: str
    account_id: str = Field(pattern=r"^\d{12}$")
    bucket: Label
    to_region: Region
    to_aws_region: str
    to_bucket: Label
    locked: bool = False
    """Whether the source's objects are locked: their locks are copied with them."""

    @model_validator(mode="after")
    def _goes_elsewhere(self) -> Self:
        if self.region == self.to_region or self.aws_region == self.to_aws_region or self.bucket == self.to_bucket:
            raise ValueError(
                "must lead into another region and another bucket: a copy beside the first is lost with it"
            )
        return self


def bucket_arn(bucket: str) -> str:
    """The ARN of a bucket, known before the bucket is there."""
    return f"arn:aws:s3:::{bucket}"
