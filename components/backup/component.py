"""The backup components: a customer's snapshot bucket, and its copies in another region."""

from dataclasses import dataclass
from typing import Any

import pulumi
import pulumi_aws as aws

from components.backup import manifests, replication
from components.backup.spec import BackupSpec, ReplicationSpec
from components.naming import resource_name

_ABORT_UPLOADS_DAYS = 3


@dataclass(frozen=True, kw_only=True)
class BackupArgs:
    """What a Backup is made from; `key_arn` is the customer's own key in the bucket's region."""

    spec: BackupSpec
    key_arn: pulumi.Input[str]
    aws: pulumi.ProviderResource


class Backup(pulumi.ComponentResource):
    """A bucket that is versioned, encrypted, private and TLS-only. `bucket` is its name, known once all that is so."""

    def __init__(self, name: str, args: BackupArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("moltghost:backup:Backup", name, None, opts)
        spec = args.spec
        self._own = resource_name(spec.tenant, spec.region, "snapshots")
        self._options = pulumi.ResourceOptions(parent=self, provider=args.aws)

        bucket = aws.s3.Bucket(
            self._own,
            bucket=spec.bucket,
            force_destroy=spec.delete_with_stack,
            object_lock_enabled=spec.lock_days is not None,
            tags={"moltghost:tenant": spec.tenant},
            opts=pulumi.ResourceOptions.merge(
                self._options, pulumi.ResourceOptions(protect=not spec.delete_with_stack)
            ),
        )
        guards = [self._encryption(bucket, args), *self._privacy(bucket, args), *self._retention(bucket, spec)]
        self.bucket: pulumi.Output[str] = pulumi.Output.all(bucket.bucket, *[guard.id for guard in guards]).apply(
            lambda made: str(made[0])
        )
        self.register_outputs({"bucket": self.bucket})

    def _encryption(self, bucket: aws.s3.Bucket, args: BackupArgs) -> pulumi.CustomResource:
        return aws.s3.BucketServerSideEncryptionConfiguration(
            self._own,
            bucket=bucket.id,
            rules=[
                {
                    "apply_server_side_encryption_by_default": {
                        "sse_algorithm": "aws:kms",
                        "kms_master_key_id": args.key_arn,
                    },
                    "bucket_key_enabled": True,
                }
            ],
            opts=self._options,
        )

    def _privacy(self, bucket: aws.s3.Bucket, args: BackupArgs) -> list[pulumi.CustomResource]:
        private = aws.s3.BucketPublicAccessBlock(
            self._own,
            bucket=bucket.id,
            block_public_acls=True,
            block_public_policy=True,
            ignore_public_acls=True,
            restrict_public_buckets=True,
            opts=self._options,
        )
        owned = aws.s3.BucketOwnershipControls(
            self._own, bucket=bucket.id, rule={"object_ownership": "BucketOwnerEnforced"}, opts=self._options
        )
        policy = aws.s3.BucketPolicy(
            self._own,
            bucket=bucket.id,
            policy=pulumi.Output.from_input(args.key_arn).apply(
                lambda arn: manifests.build_bucket_policy(args.spec, arn)
            ),
            # Both change who may reach the bucket; S3 refuses two such changes at once.
            opts=pulumi.ResourceOptions.merge(self._options, pulumi.ResourceOptions(depends_on=[private])),
        )
        return [private, owned, policy]

    def _retention(self, bucket: aws.s3.Bucket, spec: BackupSpec) -> list[pulumi.CustomResource]:
        versioning = aws.s3.BucketVersioning(
            self._own, bucket=bucket.id, versioning_configuration={"status": "Enabled"}, opts=self._options
        )
        after_versioning = pulumi.ResourceOptions.merge(self._options, pulumi.ResourceOptions(depends_on=[versioning]))
        lifecycle = aws.s3.BucketLifecycleConfiguration(
            self._own,
            bucket=bucket.id,
            rules=[
                {
                    "id": "old-versions",
                    "status": "Enabled",
                    "filter": {"prefix": ""},
                    "noncurrent_version_expiration": {"noncurrent_days": spec.noncurrent_days},
                    "expiration": {"expired_object_delete_marker": True},
                },
                {
                    "id": "unfinished-uploads",
                    "status": "Enabled",
                    "filter": {"prefix": ""},
                    "abort_incomplete_multipart_upload": {"days_after_initiation": _ABORT_UPLOADS_DAYS},
                },
            ],
            opts=after_versioning,
        )
        if spec.lock_days is None:
            return [versioning, lifecycle]
        lock = aws.s3.BucketObjectLockConfiguration(
            self._own,
            bucket=bucket.id,
            object_lock_enabled="Enabled",
            rule={"default_retention": {"mode": "COMPLIANCE", "days": spec.lock_days}},
            opts=after_versioning,
        )
        return [versioning, lifecycle, lock]


@dataclass(frozen=True, kw_only=True)
class ReplicationArgs:
    """What a Replication is made from: the names two Backups give once they are whole, and the key of each.

    `aws` is the provider of the source's region.
    """

    spec: ReplicationSpec
    source: pulumi.Input[str]
    destination: pulumi.Input[str]
    source_key_arn: pulumi.Input[str]
    destination_key_arn: pulumi.Input[str]
    aws: pulumi.ProviderResource


class Replication(pulumi.ComponentResource):
    """Copies one customer's snapshots from one region into another.

    A customer that fails over has two, one each way: what it writes while it is away is at home when it comes back. S3
    never copies a copy, so the two do not feed each other.
    """

    def __init__(self, name: str, args: ReplicationArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("moltghost:backup:Replication", name, None, opts)
        spec = args.spec
        own = resource_name(spec.tenant, spec.region, "replication")
        options = pulumi.ResourceOptions(parent=self, provider=args.aws)
        role = aws.iam.Role(
            own,
            name=own,
            description=f"Snapshots of {spec.tenant}, from {spec.region} to {spec.to_region}",
            assume_role_policy=replication.build_trust_policy(),
            opts=options,
        )
        rights = aws.iam.RolePolicy(
            own,
            name=own,
            role=role.name,
            policy=pulumi.Output.all(args.source_key_arn, args.destination_key_arn).apply(
                lambda arns: replication.build_role_policy(spec, *arns)
            ),
            opts=options,
        )
        # S3 asks that both buckets keep versions before one names the other: the two names are known no sooner.
        buckets = pulumi.Output.all(args.source, args.destination, args.destination_key_arn)
        config = aws.s3.BucketReplicationConfig(
            own,
            bucket=buckets.apply(lambda known: str(known[0])),
            role=role.arn,
            rules=[buckets.apply(lambda known: _rule(spec, known[2]))],
            opts=pulumi.ResourceOptions.merge(options, pulumi.ResourceOptions(depends_on=[rights])),
        )
        self.role_arn: pulumi.Output[str] = role.arn
        self.register_outputs({"role_arn": self.role_arn, "replicated": config.id})


def _rule(spec: ReplicationSpec, destination_key_arn: str) -> Any:
    """The rule as the SDK takes it: it has a type of its own for each level."""
    return replication.build_rule(spec, destination_key_arn)
