"""The database component: a region's PostgreSQL on RDS."""

from collections.abc import Sequence
from dataclasses import dataclass

import pulumi
import pulumi_aws as aws

from components.database import manifests
from components.database.spec import PORT, DatabaseSpec
from components.naming import PLATFORM, resource_name

_INSIGHTS_DAYS = 7  # kept without a charge


@dataclass(frozen=True, kw_only=True)
class DatabaseArgs:
    """What a Database is made from: the network's subnets for it, in two zones at least, and its security group."""

    spec: DatabaseSpec
    subnet_ids: Sequence[pulumi.Input[str]] | pulumi.Input[Sequence[str]]
    security_group_id: pulumi.Input[str]
    aws: pulumi.ProviderResource


class Database(pulumi.ComponentResource):
    """PostgreSQL in two zones, encrypted with its own key, reached over TLS by the security group's callers alone.

    `endpoint` is its host name, `port` its TCP port, `database` what it is called, `secret_arn` the secret with
    user and password: RDS makes and rotates it in Secrets Manager, so that it never enters a stack's state.
    """

    def __init__(self, name: str, args: DatabaseArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("moltghost:database:Database", name, None, opts)
        self._name = resource_name(PLATFORM, args.spec.region, "database")
        self._options = pulumi.ResourceOptions(parent=self, provider=args.aws)
        # What no destroy may take, unless the stack says that it goes along.
        self._kept = pulumi.ResourceOptions.merge(
            self._options, pulumi.ResourceOptions(protect=not args.spec.delete_with_stack)
        )
        key = self._key(args.spec)
        instance = self._instance(args, key, self._logs(args.spec, key))

        self.endpoint: pulumi.Output[str] = instance.address
        self.port: pulumi.Output[int] = instance.port
        self.database: pulumi.Output[str] = instance.db_name
        self.secret_arn: pulumi.Output[str] = instance.master_user_secrets.apply(lambda made: str(made[0].secret_arn))
        self.register_outputs(
            {"endpoint": self.endpoint, "port": self.port, "database": self.database, "secret_arn": self.secret_arn}
        )

    def _key(self, spec: DatabaseSpec) -> aws.kms.Key:
        key = aws.kms.Key(
            self._name,
            description=f"Database of {spec.region}",
            policy=manifests.build_key_policy(spec),
            enable_key_rotation=True,
            rotation_period_in_days=365,
            deletion_window_in_days=spec.key_deletion_window_days,
            opts=self._kept,
        )
        aws.kms.Alias(
            self._name, name=f"alias/moltghost/{spec.region}/database", target_key_id=key.key_id, opts=self._options
        )
        return key

    def _logs(self, spec: DatabaseSpec, key: aws.kms.Key) -> list[pulumi.Resource]:
        """Made before RDS makes them itself, which it would without a key and for ever."""
        return [
            aws.cloudwatch.LogGroup(
                resource_name(PLATFORM, spec.region, f"database-{log}"),
                name=manifests.log_group(spec, log),
                retention_in_days=spec.log_retention_days,
                kms_key_id=key.arn,
                opts=self._options,
            )
            for log in manifests.LOGS
        ]

    def _instance(self, args: DatabaseArgs, key: aws.kms.Key, logs: list[pulumi.Resource]) -> aws.rds.Instance:
        spec = args.spec
        subnets = aws.rds.SubnetGroup(
            self._name, name=spec.identifier, description="Private", subnet_ids=args.subnet_ids, opts=self._options
        )
        parameters = aws.rds.ParameterGroup(
            self._name,
            name=f"{spec.identifier}-{spec.major_version}",
            family=manifests.parameter_family(spec),
            description=f"Database of {spec.region}",
            parameters=[
                {"name": each.name, "value": each.value, "apply_method": each.apply} for each in manifests.PARAMETERS
            ],
            opts=self._options,
        )
        return aws.rds.Instance(
            self._name,
            identifier=spec.identifier,
            engine="postgres",
            engine_version=spec.engine_version,
            auto_minor_version_upgrade=spec.takes_minor_versions,
            allow_major_version_upgrade=False,
            instance_class=spec.instance_class,
            db_name=spec.database,
            port=PORT,
            username=spec.username,
            manage_master_user_password=True,
            master_user_secret_kms_key_id=key.arn,
            multi_az=True,
            publicly_accessible=False,
            db_subnet_group_name=subnets.name,
            vpc_security_group_ids=[args.security_group_id],
            parameter_group_name=parameters.name,
            storage_type="gp3",
            allocated_storage=spec.storage_gib,
            max_allocated_storage=spec.max_storage_gib,
            storage_encrypted=True,
            kms_key_id=key.arn,
            backup_retention_period=spec.backup_retention_days,
            backup_window=spec.backup_window,
            delete_automated_backups=spec.delete_with_stack,
            maintenance_window=spec.maintenance_window,
            apply_immediately=False,
            copy_tags_to_snapshot=True,
            deletion_protection=not spec.delete_with_stack,
            skip_final_snapshot=spec.delete_with_stack,
            final_snapshot_identifier=None if spec.delete_with_stack else f"{spec.identifier}-final",
            enabled_cloudwatch_logs_exports=list(manifests.LOGS),
            performance_insights_enabled=True,
            performance_insights_kms_key_id=key.arn,
            performance_insights_retention_period=_INSIGHTS_DAYS,
            ca_cert_identifier="rds-ca-rsa2048-g1",
            opts=pulumi.ResourceOptions.merge(self._kept, pulumi.ResourceOptions(depends_on=logs)),
        )
