"""The key one customer's snapshots are encrypted with."""

from components import snapshot_key
from components.tenant.spec import TenantKeySpec


def alias_name(spec: TenantKeySpec) -> str:
    """The key's alias."""
    return f"alias/moltghost/{spec.region}/{spec.tenant}"


def build_key_policy(spec: TenantKeySpec) -> str:
    """Administrators administer; the key is used through S3 only, and for the snapshot bucket only."""
    return snapshot_key.build_key_policy(spec.account_id, spec.aws_region, spec.bucket_arn)
