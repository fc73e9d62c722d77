"""Webhooks as their senders sign them."""

import hashlib
import hmac

import pytest

from runtime.contract.hooks import hook_secret, sign

PEPPER = "a pepper"
SECRET = "whsec_LS6GtH9jBfpJOuMJ3cQ34J-tWuZ4Fh4oY_3ZvPhYcb0"


def test_a_secret_and_a_signature_are_what_the_worker_checks() -> None:
    """The Worker's own test verifies the very same header."""
    assert hook_secret(PEPPER, "acme", "crm", 1) == SECRET
    mac = "21cecfffb1e9e4aaa1d612e2183af2d9eac5380992ca05e7b054430186e7dbfe"
    assert sign(SECRET, 1_800_000_000, b'{"deal":"won"}') == f"t=1800000000,v1={mac}"


def test_a_signature_is_over_the_timestamp_a_dot_and_the_body() -> None:
    expected = hmac.new(SECRET.encode(), b"1800000000.{}", hashlib.sha256).hexdigest()
    assert sign(SECRET, 1_800_000_000, b"{}").endswith(expected)


@pytest.mark.parametrize("other", [("globex", "crm", 1), ("acme", "erp", 1), ("acme", "crm", 2)])
def test_each_hook_and_each_version_has_a_secret_of_its_own(other: tuple[str, str, int]) -> None:
    assert hook_secret(PEPPER, *other) != SECRET


def test_names_that_run_together_have_secrets_of_their_own() -> None:
    assert hook_secret(PEPPER, "a", "b-c", 1) != hook_secret(PEPPER, "a-b", "c", 1)
    assert hook_secret(PEPPER, "a", "b", 11) != hook_secret(PEPPER, "a", "b1", 1)
