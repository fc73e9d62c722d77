"""A region's database, a customer's key and buckets in two regions, as the engine is told of them."""

import warnings
from collections import Counter
from functools import partial
from typing import Any

import pulumi
import pytest

from components.backup.spec import BackupSpec, ReplicationSpec
from components.database.spec import DatabaseSpec
from components.tenant.spec import TenantKeySpec
from tests.components.specs import ACCOUNT, BACKUP, BUCKET, DATABASE, JKT, OTHER_BUCKET, REPLICATION, SIN, TENANT_KEY
from tests.program.recording import Recording, record_declaring

OWN, REPLICAS = "acme-sin-snapshots", "acme-jkt-snapshots"
THERE = BACKUP.model_copy(update={"bucket": OTHER_BUCKET, "region": JKT, "aws_region": "ap-southeast-3"})
BACK = ReplicationSpec(
    tenant=REPLICATION.tenant,
    region=JKT,
    aws_region="ap-southeast-3",
    account_id=ACCOUNT,
    bucket=OTHER_BUCKET,
    to_region=SIN,
    to_aws_region="ap-southeast-1",
    to_bucket=BUCKET,
)
KEPT = {"aws:kms/key:Key", "aws:kms/replicaKey:ReplicaKey", "aws:rds/instance:Instance", "aws:s3/bucket:Bucket"}
"""What holds data, and what opens it."""


def declare(database: DatabaseSpec, key: TenantKeySpec, here: BackupSpec, there: BackupSpec) -> None:
    with warnings.catch_warnings():
        # The SDK warns of its own deprecated classes while it is loaded, used or not.
        warnings.filterwarnings("ignore", ".* has been deprecated in favor of", DeprecationWarning)
        import pulumi_aws as aws

        from components.backup.component import Backup, BackupArgs, Replication, ReplicationArgs
        from components.database.component import Database, DatabaseArgs
        from components.tenant.key_component import TenantKey, TenantKeyArgs

    sin, jkt = (
        aws.Provider(name, region=region) for name, region in (("sin", "ap-southeast-1"), ("jkt", "ap-southeast-3"))
    )
    made = Database(
        "database",
        DatabaseArgs(spec=database, subnet_ids=["subnet-a", "subnet-b"], security_group_id="sg-database", aws=sin),
    )
    for name in ("endpoint", "port", "database", "secret_arn"):
        pulumi.export(name, getattr(made, name))
    keys = TenantKey("key", TenantKeyArgs(spec=key, aws=sin, replica_aws=jkt)).arns
    home = Backup("home", BackupArgs(spec=here, key_arn=keys[SIN], aws=sin))
    away = Backup("away", BackupArgs(spec=there, key_arn=keys[JKT], aws=jkt))
    for name, spec, source, destination, provider in (
        ("out", REPLICATION, home, away, sin),
        ("back", BACK, away, home, jkt),
    ):
        args = ReplicationArgs(
            spec=spec,
            source=source.bucket,
            destination=destination.bucket,
            source_key_arn=keys[spec.region],
            destination_key_arn=keys[spec.to_region],
            aws=provider,
        )
        Replication(name, args)


@pytest.fixture(scope="module")
def parts() -> Recording:
    return record_declaring(partial(declare, DATABASE, TENANT_KEY, BACKUP, THERE))


@pytest.fixture(scope="module")
def passing() -> Recording:
    """The same, of a stack whose destroy takes the data along."""
    specs = (each.model_copy(update={"delete_with_stack": True}) for each in (DATABASE, TENANT_KEY, BACKUP, THERE))
    return record_declaring(partial(declare, *specs))  # type: ignore[arg-type]


def inputs(parts: Recording, kind: str, name: str) -> dict[str, Any]:
    module, _, resource = kind.partition("/")
    return parts.one(f"aws:{module}/{resource[0].lower()}{resource[1:]}:{resource}", name).inputs


def test_every_child_was_awaited_and_goes_through_its_regions_provider(parts: Recording) -> None:
    assert parts.awaited == {each.urn for each in parts.resources}
    providers = {each.urn: each.name for each in parts.of("pulumi:providers:aws")}
    children = [each for each in parts.resources if each.custom and each.urn not in providers]
    used = Counter((each.name, providers[each.provider.rpartition("::")[0]]) for each in children)
    assert {provider for name, provider in used if "-jkt-" in name} == {"jkt"}
    assert {provider for name, provider in used if "-sin-" in name} == {"sin"}


def test_what_the_database_tells_the_stack(parts: Recording) -> None:
    assert parts.exports == {
        "endpoint": "platform-sin-database.test",
        "port": 5432,
        "database": "moltghost",
        "secret_arn": "arn:aws:secretsmanager:ap-southeast-1:123456789012:secret:platform-sin-database",
    }


def test_the_database_is_encrypted_private_and_in_two_zones(parts: Recording) -> None:
    told = inputs(parts, "rds/Instance", "platform-sin-database")
    key = "arn:aws:kms:ap-southeast-1:123456789012:key/platform-sin-database"
    expected = {
        "multiAz": True,
        "publiclyAccessible": False,
        "storageEncrypted": True,
        "kmsKeyId": key,
        "masterUserSecretKmsKeyId": key,
        "performanceInsightsKmsKeyId": key,
        "performanceInsightsEnabled": True,
        "dbSubnetGroupName": "moltghost-sin",
        "vpcSecurityGroupIds": ["sg-database"],
        "parameterGroupName": "moltghost-sin-17",
        "autoMinorVersionUpgrade": True,
        "allowMajorVersionUpgrade": False,
        "applyImmediately": False,
        "backupRetentionPeriod": 14,
        "maxAllocatedStorage": 1000,
    }
    assert {name: told[name] for name in expected} == expected
    assert inputs(parts, "rds/SubnetGroup", "platform-sin-database")["subnetIds"] == ["subnet-a", "subnet-b"]


def test_no_password_is_known_to_the_stack(parts: Recording) -> None:
    told = inputs(parts, "rds/Instance", "platform-sin-database")
    assert told["manageMasterUserPassword"] is True
    assert not {"password", "passwordWo"} & set(told)


def test_the_databases_logs_are_encrypted_and_end_and_are_there_before_it(parts: Recording) -> None:
    logs = parts.of("aws:cloudwatch/logGroup:LogGroup")
    assert {each.inputs["name"] for each in logs} == {
        f"/aws/rds/instance/moltghost-sin/{log}" for log in ("postgresql", "upgrade")
    }
    assert all(
        each.inputs["retentionInDays"] == 30 and "platform-sin-database" in each.inputs["kmsKeyId"] for each in logs
    )
    (database,) = parts.of("aws:rds/instance:Instance")
    assert {each.urn for each in logs} <= set(database.depends_on)


def test_data_and_keys_are_protected_unless_they_go_with_the_stack(parts: Recording, passing: Recording) -> None:
    assert {each.type for each in parts.resources if each.protected} == KEPT
    assert all(each.protected for each in parts.resources if each.type in KEPT)
    assert not any(each.protected for each in passing.resources)


@pytest.mark.parametrize("kept", [True, False])
def test_the_database_leaves_a_last_snapshot_unless_it_goes_with_the_stack(
    kept: bool, parts: Recording, passing: Recording
) -> None:
    told = inputs(parts if kept else passing, "rds/Instance", "platform-sin-database")
    assert told["deletionProtection"] is kept
    assert told["skipFinalSnapshot"] is not kept
    assert told["deleteAutomatedBackups"] is not kept
    assert told.get("finalSnapshotIdentifier") == ("moltghost-sin-final" if kept else None)


def test_the_key_has_a_replica_where_the_customer_fails_over(parts: Recording) -> None:
    assert inputs(parts, "kms/Key", OWN)["multiRegion"] is True
    replica = inputs(parts, "kms/ReplicaKey", REPLICAS)
    assert replica["primaryKeyArn"] == f"arn:aws:kms:ap-southeast-1:123456789012:key/{OWN}"
    assert inputs(parts, "kms/Alias", REPLICAS)["name"] == "alias/moltghost/jkt/acme"


def test_a_replica_without_a_provider_of_its_region_is_refused() -> None:
    def alone() -> None:
        import pulumi_aws as aws

        from components.tenant.key_component import TenantKey, TenantKeyArgs

        TenantKey("key", TenantKeyArgs(spec=TENANT_KEY, aws=aws.Provider("sin", region="ap-southeast-1")))

    with pytest.raises(ValueError, match="replica_aws must be given"):
        record_declaring(alone)


@pytest.mark.parametrize(
    ("name", "source", "destination", "key"),
    [
        ("acme-sin-replication", BUCKET, OTHER_BUCKET, REPLICAS),
        ("acme-jkt-replication", OTHER_BUCKET, BUCKET, OWN),
    ],
)
def test_snapshots_are_copied_both_ways_under_the_other_regions_key(
    name: str, source: str, destination: str, key: str, parts: Recording
) -> None:
    told = inputs(parts, "s3/BucketReplicationConfig", name)
    (rule,) = told["rules"]
    assert told["bucket"] == source
    assert told["role"] == f"arn:aws:iam::123456789012:role/{name}"
    assert rule["destination"]["bucket"] == f"arn:aws:s3:::{destination}"
    assert rule["destination"]["encryptionConfiguration"]["replicaKmsKeyId"].endswith(f"key/{key}")
    assert rule["deleteMarkerReplication"] == {"status": "Enabled"}


def test_a_bucket_is_named_by_another_once_both_keep_versions(parts: Recording) -> None:
    versions = {each.urn for each in parts.of("aws:s3/bucketVersioning:BucketVersioning")}
    rights = {each.urn for each in parts.of("aws:iam/rolePolicy:RolePolicy")}
    for each in parts.of("aws:s3/bucketReplicationConfig:BucketReplicationConfig"):
        assert versions <= set(each.depends_on)
        assert rights & set(each.depends_on)
