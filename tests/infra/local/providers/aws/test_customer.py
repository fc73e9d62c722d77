"""A customer's key and buckets in two regions, made by the components themselves under the real engine."""

import json
from collections.abc import Callable

import pytest

from infra.local.providers.aws.session import Session
from tests.components.specs import BUCKET, OTHER_BUCKET
from tests.infra.local.providers.aws.conftest import provider_settings
from tests.infra.local.providers.conftest import Program

THERE = "ap-southeast-3"
PROGRAM = """
import warnings

warnings.filterwarnings("ignore")
import pulumi
import pulumi_aws as aws

from components.backup.component import Backup, BackupArgs
from components.tenant.key_component import TenantKey, TenantKeyArgs
from tests.components.specs import BACKUP, JKT, OTHER_BUCKET, SIN, TENANT_KEY


def provider(name, region):
    return aws.Provider(
        name, region=region, access_key="test", secret_key="test", endpoints=[ENDPOINTS],
        allowed_account_ids=["123456789012"], s3_use_path_style=True,
    )


sin, jkt = provider("sin", "ap-southeast-1"), provider("jkt", "ap-southeast-3")
passing = {"delete_with_stack": True}
keys = TenantKey(
    "key", TenantKeyArgs(spec=TENANT_KEY.model_copy(update=passing), aws=sin, replica_aws=jkt)
).arns
away = {"bucket": OTHER_BUCKET, "region": JKT, "aws_region": "ap-southeast-3"}
for region, where, changes in ((SIN, sin, passing), (JKT, jkt, {**passing, **away})):
    made = Backup(
        f"backup-{region}",
        BackupArgs(spec=BACKUP.model_copy(update=changes), key_arn=keys[region], aws=where),
    )
    pulumi.export(region, {"bucket": made.bucket, "key": keys[region]})
"""


@pytest.fixture
def program(make_program: Callable[[str, dict[str, str]], Program], endpoint: str) -> Program:
    settings = provider_settings(endpoint)
    made = make_program("aws", settings)
    made.head = f"ENDPOINTS = {json.loads(settings['endpoints'])[0]!r}\n"
    return made


def test_a_key_and_its_replica_encrypt_a_bucket_each(program: Program, endpoint: str) -> None:
    program.up(PROGRAM)
    assert program.plan() == {}
    told = program.engine.stack_output()

    here, there = (Session({**provider_settings(endpoint), "region": name}) for name in ("ap-southeast-1", THERE))
    try:
        for session, region, bucket in ((here, "sin", BUCKET), (there, "jkt", OTHER_BUCKET)):
            assert told[region]["bucket"] == bucket
            about = session.kms.describe_key(KeyId=told[region]["key"])["KeyMetadata"]
            assert about["MultiRegion"] is True
            assert f":{session.region}:" in about["Arn"]
            encryption = session.s3.get_bucket_encryption(Bucket=bucket)["ServerSideEncryptionConfiguration"]["Rules"]
            default = encryption[0]["ApplyServerSideEncryptionByDefault"]
            assert default == {"SSEAlgorithm": "aws:kms", "KMSMasterKeyID": told[region]["key"]}
        keys = [told[region]["key"].rpartition("/")[2] for region in ("sin", "jkt")]
        assert keys[0] == keys[1]
        assert keys[0].startswith("mrk-")

        here.kms.delete_alias(AliasName="alias/moltghost/sin/acme")
        there.s3.put_bucket_versioning(Bucket=OTHER_BUCKET, VersioningConfiguration={"Status": "Suspended"})
        program.engine.refresh()
        assert program.plan() == {
            "acme-sin-snapshots": ("create", set()),
            "acme-jkt-snapshots": ("update", {"versioningConfiguration.status"}),
        }
        program.up()
        assert program.plan() == {}

        program.engine.destroy()
        assert here.s3.list_buckets()["Buckets"] == []
    finally:
        here.close()
        there.close()
