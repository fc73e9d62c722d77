"""Certificates chain to their authority, say who they are for, and are made once."""

import datetime as dt
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from infra.local.cluster import certificates
from infra.local.cluster.certificates import Authority, Pair, signing_key


def load(pair: Pair) -> x509.Certificate:
    return x509.load_pem_x509_certificate(pair.certificate.read_bytes())


@pytest.fixture
def authority(tmp_path: Path) -> Authority:
    return Authority(tmp_path / "ca", "test")


def test_a_client_is_named_by_user_and_groups_and_can_serve_nothing(authority: Authority) -> None:
    certificate = load(authority.client("system:node:n", "system:nodes"))
    certificate.verify_directly_issued_by(load(authority.pair))
    names = {attribute.oid: attribute.value for attribute in certificate.subject}
    assert names == {NameOID.COMMON_NAME: "system:node:n", NameOID.ORGANIZATION_NAME: "system:nodes"}
    usage = certificate.extensions.get_extension_for_class(x509.ExtendedKeyUsage).value
    assert list(usage) == [ExtendedKeyUsageOID.CLIENT_AUTH]


def test_a_server_names_its_hosts(authority: Authority) -> None:
    certificate = load(authority.server("api", ["127.0.0.1", "localhost"]))
    names = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    assert {str(name.value) for name in names} == {"127.0.0.1", "localhost"}


def test_another_authority_does_not_vouch_for_it(authority: Authority, tmp_path: Path) -> None:
    other = Authority(tmp_path / "other", "test")
    with pytest.raises(InvalidSignature):
        load(authority.client("a")).verify_directly_issued_by(load(other.pair))


def test_asking_again_gives_the_same_and_other_hosts_a_new_one(authority: Authority) -> None:
    first = load(authority.server("api", ["127.0.0.1"]))
    again = Authority(authority.folder, "test")
    assert load(again.server("api", ["127.0.0.1"])) == first
    assert load(again.server("api", ["127.0.0.2"])) != first


def test_a_certificate_near_its_end_is_renewed_with_all_it_signed(
    authority: Authority, monkeypatch: pytest.MonkeyPatch
) -> None:
    old = load(authority.client("a"))
    monkeypatch.setattr(certificates, "RENEW_BEFORE", certificates.LIFETIME + dt.timedelta(days=1))
    renewed = Authority(authority.folder, "test")
    new = load(renewed.client("a"))
    assert new != old
    new.verify_directly_issued_by(load(renewed.pair))


def test_half_a_pair_is_made_anew(authority: Authority) -> None:
    pair = authority.client("a")
    pair.certificate.unlink()
    load(authority.client("a")).verify_directly_issued_by(load(authority.pair))


def test_keys_are_for_their_owner_alone(authority: Authority, tmp_path: Path) -> None:
    pairs = [authority.pair, authority.client("a"), signing_key(tmp_path / "ca" / "service-accounts.key")]
    assert {pair.key.stat().st_mode & 0o777 for pair in pairs} == {0o600}
    assert authority.folder.stat().st_mode & 0o777 == 0o700
