"""The bucket's policy: TLS only, a tenant's prefix for a tenant's key only."""

import json
from typing import Any

import pytest
from pydantic import ValidationError

from components.backup.manifests import build_bucket_policy, build_key_policy
from components.backup.spec import MAX_TENANTS, BackupSpec, tenant_prefix
from components.labels import TenantId
from tests.components.specs import ACME, BACKUP, BUCKET, GLOBEX

KEYS = {ACME: "arn:aws:kms:ap-southeast-1:123456789012:key/a", GLOBEX: "arn:aws:kms:ap-southeast-1:123456789012:key/g"}
POLICY_BYTES = 20_480
"""What S3 accepts."""


def statements(spec: BackupSpec = BACKUP) -> dict[str, dict[str, Any]]:
    keys = {tenant: KEYS.get(tenant, KEYS[ACME]) for tenant in spec.tenants}
    return {each["Sid"]: each for each in json.loads(build_bucket_policy(spec, keys))["Statement"]}


def test_it_only_denies() -> None:
    assert {each["Effect"] for each in statements().values()} == {"Deny"}


def test_whoever_comes_without_tls_is_turned_away() -> None:
    tls = statements()["TlsOnly"]
    assert tls["Principal"] == "*"
    assert tls["Action"] == "s3:*"
    assert tls["Condition"] == {"Bool": {"aws:SecureTransport": "false"}}
    assert set(tls["Resource"]) == {f"arn:aws:s3:::{BUCKET}", f"arn:aws:s3:::{BUCKET}/*"}


@pytest.mark.parametrize("tenant", [ACME, GLOBEX])
def test_a_tenants_prefix_takes_that_tenants_key_alone(tenant: TenantId) -> None:
    own = statements()[f"OwnKeyOnly{tenant.capitalize()}"]
    assert own["Resource"] == f"arn:aws:s3:::{BUCKET}/{tenant_prefix(tenant)}*"
    assert own["Condition"]["StringNotEquals"] == {"s3:x-amz-server-side-encryption-aws-kms-key-id": KEYS[tenant]}


def test_nothing_is_written_outside_the_prefixes() -> None:
    outside = statements()["TenantPrefixesOnly"]
    assert outside["NotResource"] == [f"arn:aws:s3:::{BUCKET}/tenants/{tenant}/*" for tenant in (ACME, GLOBEX)]


def test_no_prefix_begins_another() -> None:
    assert not tenant_prefix(TenantId("acme2")).startswith(tenant_prefix(ACME))


def test_a_tenant_without_a_key_is_an_error() -> None:
    with pytest.raises(KeyError):
        build_bucket_policy(BACKUP, {ACME: KEYS[ACME]})


def test_the_policy_of_the_most_tenants_fits_into_s3() -> None:
    tenants = tuple(TenantId(f"{at:02}".join(["t", "x" * 60])) for at in range(MAX_TENANTS))
    spec = BACKUP.model_copy(update={"tenants": tenants, "bucket": "b" * 63})
    arn = "arn:aws:kms:ap-southeast-1:123456789012:key/" + "0" * 36
    assert len(build_bucket_policy(spec, dict.fromkeys(tenants, arn))) <= POLICY_BYTES


def test_one_tenant_more_is_refused() -> None:
    with pytest.raises(ValidationError, match="tenants"):
        BackupSpec.model_validate({**dict(BACKUP), "tenants": ("t",) * (MAX_TENANTS + 1)})


def test_the_buckets_own_key_is_used_through_s3() -> None:
    (use,) = [each for each in json.loads(build_key_policy(BACKUP))["Statement"] if "kms:Decrypt" in each["Action"]]
    assert use["Condition"]["StringEquals"]["kms:ViaService"] == "s3.ap-southeast-1.amazonaws.com"
    assert use["Condition"]["StringEquals"]["kms:EncryptionContext:aws:s3:arn"] == f"arn:aws:s3:::{BUCKET}"
