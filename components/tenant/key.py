"""The key one customer's snapshots are encrypted with, as KMS reads it."""

from components import snapshot_key
from components.labels import Region
from components.tenant.spec import KeyReplicaSpec, TenantKeySpec


def alias_name(spec: TenantKeySpec, region: Region) -> str:
    """The alias of the key, or of its replica, in a region."""
    return f"alias/moltghost/{region}/{spec.tenant}"


def build_key_policy(spec: TenantKeySpec) -> str:
    """Administrators administer; the key is used through S3 only, and for the home region's bucket only.

    A replica of it can be made in the region the customer fails over to, and in no other.
    """
    replicas = () if spec.replica is None else (spec.replica.aws_region,)
    return snapshot_key.build_key_policy(spec.account_id, spec.aws_region, spec.bucket_arn, replicas)


def build_replica_policy(spec: TenantKeySpec, replica: KeyReplicaSpec) -> str:
    """The replica's own policy: a replica shares the key's material, not its policy."""
    return snapshot_key.build_key_policy(spec.account_id, replica.aws_region, replica.bucket_arn)
