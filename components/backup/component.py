"""The backup component: a region's snapshot bucket."""

from collections.abc import Mapping
from dataclasses import dataclass

import pulumi
import pulumi_aws as aws

from components.backup import manifests
from components.backup.spec import BackupSpec
from components.labels import TenantId
from components.naming import PLATFORM, resource_name

_ABORT_UPLOADS_DAYS = 3


@dataclass(frozen=True, kw_only=True)
class BackupArgs:
    """What a Backup is made from; `tenant_keys` are the ARNs of the tenants' own keys."""

    spec: BackupSpec
    tenant_keys: Mapping[TenantId, pulumi.Input[str]]
    aws: pulumi.ProviderResource


class Backup(pulumi.ComponentResource):
    """A bucket that is versioned, encrypted, private and TLS-only. `bucket` is its name, known once all that is so."""

    def __init__(self, name: str, args: BackupArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("moltghost:backup:Backup", name, None, opts)
        spec = args.spec
        self._name = resource_name(PLATFORM, spec.region, "snapshots")
        self._options = pulumi.ResourceOptions(parent=self, provider=args.aws)

        bucket = aws.s3.Bucket(
            self._name,
            bucket=spec.bucket,
            force_destroy=spec.delete_with_stack,
            object_lock_enabled=spec.lock_days is not None,
            opts=self._options,
        )
        guards = [*self._encryption(bucket, spec), *self._privacy(bucket, args), *self._retention(bucket, spec)]
        self.bucket: pulumi.Output[str] = pulumi.Output.all(bucket.bucket, *[guard.id for guard in guards]).apply(
            lambda made: str(made[0])
        )
        self.register_outputs({"bucket": self.bucket})

    def _encryption(self, bucket: aws.s3.Bucket, spec: BackupSpec) -> list[pulumi.CustomResource]:
        key = aws.kms.Key(
            self._name,
            description=f"Snapshot bucket of {spec.region}",
            policy=manifests.build_key_policy(spec),
            enable_key_rotation=True,
            rotation_period_in_days=365,
            deletion_window_in_days=spec.key_deletion_window_days,
            opts=self._options,
        )
        alias = aws.kms.Alias(
            self._name, name=f"alias/moltghost/{spec.region}/snapshots", target_key_id=key.key_id, opts=self._options
        )
        encryption = aws.s3.BucketServerSideEncryptionConfiguration(
            self._name,
            bucket=bucket.id,
            rules=[
                {
                    "apply_server_side_encryption_by_default": {
                        "sse_algorithm": "aws:kms",
                        "kms_master_key_id": key.arn,
                    },
                    "bucket_key_enabled": True,
                }
            ],
            opts=self._options,
        )
        return [alias, encryption]

    def _privacy(self, bucket: aws.s3.Bucket, args: BackupArgs) -> list[pulumi.CustomResource]:
        private = aws.s3.BucketPublicAccessBlock(
            self._name,
            bucket=bucket.id,
            block_public_acls=True,
            block_public_policy=True,
            ignore_public_acls=True,
            restrict_public_buckets=True,
            opts=self._options,
        )
        owned = aws.s3.BucketOwnershipControls(
            self._name, bucket=bucket.id, rule={"object_ownership": "BucketOwnerEnforced"}, opts=self._options
        )
        tenants = list(args.spec.tenants)
        policy = aws.s3.BucketPolicy(
            self._name,
            bucket=bucket.id,
            policy=pulumi.Output.all(*[args.tenant_keys[tenant] for tenant in tenants]).apply(
                lambda arns: manifests.build_bucket_policy(args.spec, dict(zip(tenants, arns, strict=True)))
            ),
            # Both change who may reach the bucket; S3 refuses two such changes at once.
            opts=pulumi.ResourceOptions.merge(self._options, pulumi.ResourceOptions(depends_on=[private])),
        )
        return [private, owned, policy]

    def _retention(self, bucket: aws.s3.Bucket, spec: BackupSpec) -> list[pulumi.CustomResource]:
        versioning = aws.s3.BucketVersioning(
            self._name, bucket=bucket.id, versioning_configuration={"status": "Enabled"}, opts=self._options
        )
        after_versioning = pulumi.ResourceOptions.merge(self._options, pulumi.ResourceOptions(depends_on=[versioning]))
        lifecycle = aws.s3.BucketLifecycleConfiguration(
            self._name,
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
            self._name,
            bucket=bucket.id,
            object_lock_enabled="Enabled",
            rule={"default_retention": {"mode": "COMPLIANCE", "days": spec.lock_days}},
            opts=after_versioning,
        )
        return [versioning, lifecycle, lock]
