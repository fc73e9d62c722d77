"""The plugin under the real engine: a key and a bucket come, drift shows, and nothing stays."""

from collections.abc import Callable, Iterator

import pytest

from infra.local.engine import EngineError
from infra.local.providers.aws.session import Session
from tests.infra.local.providers.aws.conftest import provider_settings
from tests.infra.local.providers.conftest import Program

BUCKET = "moltghost-engine"
PROGRAM = f"""
key = resource("aws:kms/key:Key", "key", {{
    "description": "DESCRIPTION", "enableKeyRotation": True, "deletionWindowInDays": 7}}, outputs=["arn", "keyId"])
resource("aws:kms/alias:Alias", "alias", {{"name": "alias/moltghost/engine", "targetKeyId": key.keyId}})
bucket = resource("aws:s3/bucket:Bucket", "bucket", {{"bucket": {BUCKET!r}}})
resource("aws:s3/bucketServerSideEncryptionConfiguration:BucketServerSideEncryptionConfiguration", "encryption", {{
    "bucket": bucket.id,
    "rules": [{{"applyServerSideEncryptionByDefault": {{"sseAlgorithm": "aws:kms", "kmsMasterKeyId": key.arn}}}}]}})
resource("aws:s3/bucketVersioning:BucketVersioning", "versioning", {{
    "bucket": bucket.id, "versioningConfiguration": {{"status": "Enabled"}}}})
pulumi.export("key", key.keyId)
"""


@pytest.fixture
def program(make_program: Callable[[str, dict[str, str]], Program], endpoint: str) -> Program:
    return make_program("aws", provider_settings(endpoint))


@pytest.fixture
def account(endpoint: str) -> Iterator[Session]:
    """Clients of the test's own."""
    session = Session(provider_settings(endpoint))
    yield session
    session.s3.close()
    session.kms.close()


def test_a_key_and_a_bucket_are_made_changed_mended_and_destroyed(program: Program, account: Session) -> None:
    program.up(PROGRAM)
    assert program.plan() == {}
    key = program.engine.stack_output()["key"]
    assert account.kms.describe_key(KeyId="alias/moltghost/engine")["KeyMetadata"]["Description"] == "DESCRIPTION"

    account.s3.put_bucket_versioning(Bucket=BUCKET, VersioningConfiguration={"Status": "Suspended"})
    account.kms.delete_alias(AliasName="alias/moltghost/engine")
    program.engine.refresh()
    program.write(PROGRAM.replace("DESCRIPTION", "OTHER"))
    assert program.plan() == {
        "key": ("update", {"description"}),
        "alias": ("create", set()),
        "versioning": ("update", {"versioningConfiguration.status"}),
    }
    program.up()
    assert account.kms.describe_key(KeyId="alias/moltghost/engine")["KeyMetadata"]["Description"] == "OTHER"
    assert account.s3.get_bucket_versioning(Bucket=BUCKET)["Status"] == "Enabled"

    program.engine.destroy()
    assert account.s3.list_buckets()["Buckets"] == []
    assert account.kms.describe_key(KeyId=key)["KeyMetadata"]["KeyState"] == "PendingDeletion"
    assert not [alias for alias in account.kms.list_aliases()["Aliases"] if "moltghost" in alias["AliasName"]]


def test_a_preview_names_what_it_cannot_make(program: Program) -> None:
    program.write('resource("aws:lambda/function:Function", "function", {"role": "x"})')
    with pytest.raises(EngineError, match="aws:lambda/function:Function: the local aws provider has no such type"):
        program.engine.preview()
