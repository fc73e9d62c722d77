"""The bucket's policy: TLS only, one account only, the customer's own key only."""

import json
from collections.abc import Callable
from typing import Any

import pytest

from components.backup.manifests import build_bucket_policy
from components.backup.spec import BackupSpec
from tests.components.specs import ACCOUNT, BACKUP, BUCKET

KEY = "arn:aws:kms:ap-southeast-1:123456789012:key/mrk-acme"
OTHER_KEY = "arn:aws:kms:ap-southeast-1:123456789012:key/mrk-globex"
ENCRYPTION = "s3:x-amz-server-side-encryption"
KEY_ID = f"{ENCRYPTION}-aws-kms-key-id"
CUSTOMERS = f"{ENCRYPTION}-customer-algorithm"
PRINCIPAL = {"aws:SecureTransport": "true", "aws:PrincipalAccount": ACCOUNT, "aws:PrincipalIsAWSService": "false"}


def statements(spec: BackupSpec = BACKUP) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = json.loads(build_bucket_policy(spec, KEY))["Statement"]
    return found


def holds(condition: dict[str, dict[str, str]], context: dict[str, str]) -> bool:
    """Whether a condition block holds, by IAM's own rules for the operators used here.

    https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_condition_operators.html
    """
    return all(
        _HOLDS[operator](context.get(key), value) for operator, keys in condition.items() for key, value in keys.items()
    )


_HOLDS: dict[str, Callable[[str | None, str], bool]] = {
    "Bool": lambda given, wanted: given is not None and given == wanted,
    "BoolIfExists": lambda given, wanted: given is None or given == wanted,
    "Null": lambda given, wanted: (given is None) == (wanted == "true"),
    "StringNotEquals": lambda given, wanted: given != wanted,  # a missing key is not equal
}


def denied_by(action: str, context: dict[str, str], **without: None) -> set[str]:
    asked = {key: value for key, value in {**PRINCIPAL, **context}.items() if key not in without}
    return {
        each["Sid"] for each in statements() if each["Action"] in (action, "s3:*") and holds(each["Condition"], asked)
    }


def test_it_only_denies_and_means_everybody() -> None:
    assert {(each["Effect"], each["Principal"]) for each in statements()} == {("Deny", "*")}


def test_it_is_about_this_bucket_and_all_in_it() -> None:
    everything = {f"arn:aws:s3:::{BUCKET}", f"arn:aws:s3:::{BUCKET}/*"}
    for each in statements():
        assert set(each["Resource"]) == (everything if each["Action"] == "s3:*" else {f"arn:aws:s3:::{BUCKET}/*"})


@pytest.mark.parametrize(
    "said",
    [{}, {ENCRYPTION: "aws:kms", KEY_ID: KEY}],
    ids=["nothing: the bucket's default is the key", "the customer's own key"],
)
def test_a_write_with_the_customers_key_is_let_through(said: dict[str, str]) -> None:
    assert denied_by("s3:PutObject", said) == set()


@pytest.mark.parametrize(
    ("said", "by"),
    [
        ({ENCRYPTION: "aws:kms", KEY_ID: OTHER_KEY}, "OwnKeyOnly"),
        ({ENCRYPTION: "aws:kms"}, "NoUnnamedKey"),
        ({ENCRYPTION: "AES256"}, "NoOtherEncryption"),
        ({ENCRYPTION: "aws:kms:dsse", KEY_ID: KEY}, "NoOtherEncryption"),
        ({CUSTOMERS: "AES256"}, "NoKeyOfTheCallers"),
    ],
)
def test_a_write_with_any_other_encryption_is_refused(said: dict[str, str], by: str) -> None:
    assert by in denied_by("s3:PutObject", said)


@pytest.mark.parametrize("action", ["s3:GetObject", "s3:PutObject", "s3:ListBucket"])
def test_whoever_comes_without_tls_is_turned_away(action: str) -> None:
    assert denied_by(action, {"aws:SecureTransport": "false"}) == {"TlsOnly"}


@pytest.mark.parametrize("action", ["s3:GetObject", "s3:PutObject", "s3:ListBucket"])
def test_whoever_is_of_another_account_is_turned_away_and_so_is_nobody(action: str) -> None:
    assert denied_by(action, {"aws:PrincipalAccount": "210987654321"}) == {"OwnAccountOnly"}
    nobody = {key: value for key, value in PRINCIPAL.items() if key == "aws:SecureTransport"}
    assert {each["Sid"] for each in statements() if each["Action"] == "s3:*" and holds(each["Condition"], nobody)} == {
        "OwnAccountOnly"
    }


def test_reading_with_the_accounts_own_rights_is_let_through() -> None:
    assert denied_by("s3:GetObject", {}) == set()
