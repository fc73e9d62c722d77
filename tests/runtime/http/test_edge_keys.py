"""Keys in a file that changes in place."""

import json
import logging
import os
from pathlib import Path

import pytest

from runtime.http.edge_keys import EdgeKeys
from runtime.http.edge_token import KeysError, TokenError
from tests.runtime.edge import Edge

OLD, NEW = Edge("k1"), Edge("k2")


def mounted(folder: Path, jwks: str, version: str) -> Path:
    """A file of a mounted ConfigMap, as the kubelet puts it there: links, of which one is swapped."""
    (folder / version).mkdir()
    (folder / version / "keys.json").write_text(jwks)
    (folder / "..data_tmp").symlink_to(version)
    (folder / "..data_tmp").replace(folder / "..data")
    file = folder / "keys.json"
    if not file.is_symlink():
        file.symlink_to("..data/keys.json")
    return file


def believed(keys: EdgeKeys, token: str) -> bool:
    """Whether a token is good now."""
    try:
        keys.verifier().verify(token)
    except TokenError:
        return False
    return True


def test_keys_are_those_of_the_newest_mount(tmp_path: Path) -> None:
    keys = EdgeKeys(mounted(tmp_path, OLD.jwks, "v1"))
    old, new = OLD.token(), NEW.token()
    assert (believed(keys, old), believed(keys, new)) == (True, False)
    mounted(tmp_path, json.dumps({"keys": [OLD.jwk, NEW.jwk]}), "v2")
    assert (believed(keys, old), believed(keys, new)) == (True, True)
    mounted(tmp_path, NEW.jwks, "v3")
    assert (believed(keys, old), believed(keys, new)) == (False, True)


def test_a_rotation_in_the_runbooks_order_refuses_no_token_but_the_retired_keys(tmp_path: Path) -> None:
    keys = EdgeKeys(mounted(tmp_path, OLD.jwks, "v1"))
    signed_before = OLD.token()
    assert believed(keys, signed_before)
    # Both are published before the new one signs, so that no region meets a key it does not know.
    mounted(tmp_path, json.dumps({"keys": [OLD.jwk, NEW.jwk]}), "v2")
    assert believed(keys, signed_before)
    # The edge switches place by place: for a while, both sign.
    signed_after = NEW.token()
    assert believed(keys, OLD.token())
    assert believed(keys, signed_after)
    # The old one goes when its last token has expired; one that was verified and remembered is refused with it.
    mounted(tmp_path, NEW.jwks, "v3")
    assert believed(keys, signed_after)
    assert not believed(keys, signed_before)


def test_what_has_not_changed_is_not_read_again(tmp_path: Path) -> None:
    keys = EdgeKeys(mounted(tmp_path, OLD.jwks, "v1"))
    assert keys.verifier() is keys.verifier()


@pytest.mark.parametrize("jwks", ["", "{", '{"keys": []}', '{"keys": [{"kid": "k2", "kty": "RSA"}]}'])
def test_a_broken_file_keeps_the_keys_and_says_so_once(
    jwks: str, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    keys = EdgeKeys(mounted(tmp_path, OLD.jwks, "v1"))
    mounted(tmp_path, jwks, "v2")
    assert all(believed(keys, OLD.token()) for _ in range(3))
    assert [record.levelno for record in caplog.records] == [logging.ERROR]
    mounted(tmp_path, NEW.jwks, "v3")
    assert not believed(keys, OLD.token())


def test_bytes_that_are_no_text_keep_the_keys(tmp_path: Path) -> None:
    file = mounted(tmp_path, OLD.jwks, "v1")
    keys = EdgeKeys(file)
    file.write_bytes(b"\xff")
    assert believed(keys, OLD.token())


def test_a_file_that_is_gone_keeps_the_keys_until_it_is_back(tmp_path: Path) -> None:
    file = mounted(tmp_path, OLD.jwks, "v1")
    keys = EdgeKeys(file)
    os.unlink(tmp_path / "..data")  # noqa: PTH108  # the link itself
    assert believed(keys, OLD.token())
    mounted(tmp_path, NEW.jwks, "v2")
    assert believed(keys, NEW.token())


def test_without_keys_nothing_begins(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        EdgeKeys(tmp_path / "keys.json")
    with pytest.raises(KeysError):
        EdgeKeys(mounted(tmp_path, "{}", "v1"))
