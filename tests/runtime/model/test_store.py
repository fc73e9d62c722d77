"""Reading and writing a store: what is found, and what is refused with which words."""

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from runtime.model.store import (
    CONFIG_TYPE,
    TEMPLATE_TYPE,
    WEIGHTS_TYPE,
    StoreError,
    blob_path,
    canonical,
    digest_of,
    find_manifest,
    manifest_path,
    parse_manifest,
    read_digest,
    require_complete,
    write_blob,
    write_manifest,
)

DIGEST = digest_of(b"")


def make(store: Path, name: str = "tiny", weights: bytes = b"weights") -> str:
    layers = (write_blob(store, WEIGHTS_TYPE, weights), write_blob(store, TEMPLATE_TYPE, b"{{ .Prompt }}"))
    return write_manifest(store, name, write_blob(store, CONFIG_TYPE, b"{}"), layers)


def test_what_is_written_is_found(tmp_path: Path) -> None:
    digest = make(tmp_path)
    assert read_digest(tmp_path) == read_digest(tmp_path, "tiny") == read_digest(tmp_path, "tiny:latest") == digest
    manifest = find_manifest(tmp_path, digest)
    assert manifest.digest == digest
    assert [blob_path(tmp_path, blob.digest).read_bytes() for blob in manifest.blobs] == [
        b"{}", b"weights", b"{{ .Prompt }}",
    ]  # fmt: skip
    assert manifest.size == sum(path.stat().st_size for path in (tmp_path / "blobs").iterdir())


def test_the_digest_is_of_the_files_bytes(tmp_path: Path) -> None:
    make(tmp_path)
    assert read_digest(tmp_path) == digest_of(manifest_path(tmp_path, "tiny").read_bytes())


def test_a_blob_used_twice_counts_once(tmp_path: Path) -> None:
    manifest = find_manifest(tmp_path, make(tmp_path, weights=b"{}"))
    assert len(manifest.layers) == 2
    assert len(manifest.blobs) == 2


def test_a_model_of_another_origin_and_tag_is_found(tmp_path: Path) -> None:
    digest = make(tmp_path)
    there = tmp_path / "manifests" / "models.example.com" / "team" / "big" / "8b"
    there.parent.mkdir(parents=True)
    manifest_path(tmp_path, "tiny").rename(there)
    assert read_digest(tmp_path, "big:8b") == digest


@pytest.mark.parametrize("name", [None, "third"])
def test_one_of_several_must_be_named(tmp_path: Path, name: str | None) -> None:
    first, second = make(tmp_path), make(tmp_path, "other", b"others")
    assert read_digest(tmp_path, "tiny") == first != second == read_digest(tmp_path, "other")
    with pytest.raises(StoreError, match=r"expected one model.* found manifests/.*/other/latest, manifests/.*/tiny/"):
        read_digest(tmp_path, name)


def test_an_empty_store_says_so(tmp_path: Path) -> None:
    with pytest.raises(StoreError, match="expected one model, found none"):
        read_digest(tmp_path)


def test_a_digest_that_is_not_there_tells_those_that_are(tmp_path: Path) -> None:
    digest = make(tmp_path)
    with pytest.raises(StoreError, match=rf"no model has the digest {DIGEST}; found: {digest} \(manifests/"):
        find_manifest(tmp_path, DIGEST)


def test_an_incomplete_model_has_no_digest(tmp_path: Path) -> None:
    weights = find_manifest(tmp_path, make(tmp_path)).layers[0]
    path = blob_path(tmp_path, weights.digest)
    path.write_bytes(b"weight")
    with pytest.raises(StoreError, match=f"blob {weights.digest}: has 6 bytes, its manifest says 7"):
        read_digest(tmp_path)
    path.unlink()
    with pytest.raises(StoreError, match=f"blob {weights.digest}: No such file or directory"):
        require_complete(tmp_path, find_manifest(tmp_path, find_digest(tmp_path)))


def find_digest(store: Path) -> str:
    return digest_of(manifest_path(store, "tiny").read_bytes())


@pytest.mark.parametrize("name", ["", "..", "a/b", "A", "tiny:latest", "-a", "a.", "a" * 64, "a\n"])
def test_a_name_that_is_no_name_is_refused(tmp_path: Path, name: str) -> None:
    with pytest.raises(StoreError, match="model name"):
        manifest_path(tmp_path, name)


BLOB = {"mediaType": "type", "digest": DIGEST, "size": 0}


@pytest.mark.parametrize(
    ("manifest", "says"),
    [
        ("", "is not JSON, or not all of it"),
        (json.dumps({"config": BLOB, "layers": [BLOB]})[:-5], "is not JSON, or not all of it"),
        ("[" * 100_000, "is not JSON, or not all of it"),
        ("[]", "expected a JSON object"),
        ({"config": BLOB}, "layers: expected a list of at least one"),
        ({"config": BLOB, "layers": []}, "layers: expected a list of at least one"),
        ({"layers": [BLOB]}, "config: expected an object"),
        ({"config": BLOB, "layers": [BLOB, 1]}, r"layers\[1\]: expected an object"),
        ({"config": {**BLOB, "digest": "sha256:../../../etc"}, "layers": [BLOB]}, "config: digest: expected sha256:"),
        ({"config": {**BLOB, "digest": DIGEST + "\n"}, "layers": [BLOB]}, "config: digest: expected sha256:"),
        ({"config": {**BLOB, "size": -1}, "layers": [BLOB]}, "config: size: expected a whole number"),
        ({"config": {**BLOB, "size": True}, "layers": [BLOB]}, "config: size: expected a whole number"),
        ({"config": {**BLOB, "size": 1.0}, "layers": [BLOB]}, "config: size: expected a whole number"),
        ({"config": {**BLOB, "mediaType": None}, "layers": [BLOB]}, "config: mediaType: expected text"),
    ],
)
def test_a_manifest_that_is_wrong_names_the_field(manifest: Any, says: str) -> None:
    data = manifest.encode() if isinstance(manifest, str) else canonical(manifest)
    with pytest.raises(StoreError, match=f"^manifest here: {says}"):
        parse_manifest(data, "here")


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=80) | st.just(DIGEST),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(["config", "layers", "digest", "size", "mediaType"]), inner, max_size=5)
    ),
    max_leaves=12,
)


@given(st.binary(max_size=200) | JSON.map(lambda value: json.dumps(value).encode()))
def test_any_bytes_are_a_manifest_or_refused(data: bytes) -> None:
    try:
        manifest = parse_manifest(data, "here")
    except StoreError:
        return
    assert manifest.digest == digest_of(data)
    assert all(blob_path(Path("/store"), blob.digest).parent == Path("/store/blobs") for blob in manifest.blobs)
