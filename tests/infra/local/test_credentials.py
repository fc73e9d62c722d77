"""The local region's secrets: made once, private, and never the same twice."""

import json
import stat
from pathlib import Path

from click.testing import CliRunner
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from jwt import PyJWK

from infra.cli import main
from infra.local.credentials import OTHER_KEY_FILE, SIGNING_KEY_FILE, Credentials, new_signing_key, write_private
from runtime.contract.edge import hash_api_key, is_api_key


def test_what_was_made_once_stays(tmp_path: Path) -> None:
    first, second = Credentials(tmp_path / "keys"), Credentials(tmp_path / "keys")
    assert first.pepper() == second.pepper()
    assert first.signing_key() == second.signing_key()
    assert first.api_key("acme") == second.api_key("acme")


def test_two_regions_share_nothing(tmp_path: Path) -> None:
    one, other = Credentials(tmp_path / "one"), Credentials(tmp_path / "other")
    assert one.pepper() != other.pepper()
    assert one.signing_key() != other.signing_key()
    assert one.api_key("acme").hash != other.api_key("acme").hash


def test_only_the_owner_reads_them(tmp_path: Path) -> None:
    credentials = Credentials(tmp_path / "keys")
    files = [credentials.api_key("acme").file, tmp_path / "keys" / "pepper"]
    credentials.signing_key()
    files.append(tmp_path / "keys" / "edge-signing-key.json")
    assert {stat.S_IMODE(file.stat().st_mode) for file in files} == {0o600}
    assert stat.S_IMODE((tmp_path / "keys").stat().st_mode) == 0o700


def test_the_hash_is_that_of_the_key_in_the_file(tmp_path: Path) -> None:
    credentials = Credentials(tmp_path)
    key = credentials.api_key("acme")
    assert key.file.read_text().startswith("mg_acme_")
    assert key.hash == hash_api_key(credentials.pepper(), key.file.read_text())
    assert key.hash != hash_api_key("another pepper", key.file.read_text())


def test_a_key_is_one_the_edge_takes_and_one_of_an_earlier_version_is_replaced(tmp_path: Path) -> None:
    credentials = Credentials(tmp_path)
    write_private(tmp_path / "acme.key", "mg_acme_0123456789abcdefghijklmnopqrstuv")
    key = credentials.api_key("acme")
    assert is_api_key(key.file.read_text())
    assert key.hash == hash_api_key(credentials.pepper(), key.file.read_text())
    assert credentials.api_key("acme") == key


def test_the_public_key_verifies_and_holds_nothing_private(tmp_path: Path) -> None:
    credentials = Credentials(tmp_path)
    (public,) = credentials.public_keys()
    private = PyJWK(json.loads(credentials.signing_key())).key
    assert isinstance(private, Ed25519PrivateKey)
    PyJWK(public).key.verify(private.sign(b"edge"), b"edge")
    assert "d" not in public


def test_two_keys_are_live_while_one_replaces_the_other(tmp_path: Path) -> None:
    credentials = Credentials(tmp_path)
    old = credentials.signing_key()
    write_private(tmp_path / OTHER_KEY_FILE, new_signing_key())
    first, second = credentials.public_keys()
    assert first["kid"] == json.loads(old)["kid"] != second["kid"]
    (tmp_path / OTHER_KEY_FILE).replace(tmp_path / SIGNING_KEY_FILE)
    assert credentials.public_keys() == [second]


def test_the_command_makes_a_key_the_edge_can_use() -> None:
    made = [CliRunner().invoke(main, ["edge-key"]).stdout for _ in range(2)]
    keys = [json.loads(text) for text in made]
    assert all(isinstance(PyJWK(key).key, Ed25519PrivateKey) for key in keys)
    assert keys[0]["kid"] != keys[1]["kid"]


def test_a_private_file_is_replaced_whole(tmp_path: Path) -> None:
    target = tmp_path / "file"
    write_private(target, "old")
    write_private(target, "new")
    assert target.read_text() == "new"
    assert [file.name for file in tmp_path.iterdir()] == ["file"]
