"""A model in the layout the model server keeps models in: `manifests/…/<model>/<tag>` and `blobs/sha256-<hex>`.

A model's digest is the SHA-256 of its manifest's bytes. The manifest names every blob by the SHA-256 of its content, so
the digest stands for all of them.
"""

import hashlib
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

MANIFEST_TYPE = "application/vnd.docker.distribution.manifest.v2+json"
CONFIG_TYPE = "application/vnd.docker.container.image.v1+json"
WEIGHTS_TYPE = "application/vnd.ollama.image.model"
TEMPLATE_TYPE = "application/vnd.ollama.image.template"
PARAMETERS_TYPE = "application/vnd.ollama.image.params"

_MANIFESTS, _BLOBS = "manifests", "blobs"
_UNNAMED = ("registry.ollama.ai", "library")
"""Where the model server files a model whose name says no place of origin; nothing is ever fetched from there."""
_TAG = "latest"
_MANIFEST_BYTES = 1 << 20
_DIGEST = re.compile(r"sha256:[0-9a-f]{64}")
_NAME = re.compile(r"[a-z0-9]([a-z0-9._-]{0,61}[a-z0-9])?")


class StoreError(ValueError):
    """A store does not hold what it should; the message says what, and where."""


@dataclass(frozen=True)
class Blob:
    """A file of a model: what it is, the SHA-256 of its content as `sha256:<hex>`, and its size in bytes."""

    media_type: str
    digest: str
    size: int


@dataclass(frozen=True)
class Manifest:
    """What a model consists of; `data` is the manifest as it is written."""

    data: bytes
    config: Blob
    layers: tuple[Blob, ...]

    @cached_property
    def digest(self) -> str:
        """The model's digest."""
        return digest_of(self.data)

    @property
    def blobs(self) -> tuple[Blob, ...]:
        """All its blobs, each once."""
        return tuple({blob.digest: blob for blob in (self.config, *self.layers)}.values())

    @property
    def size(self) -> int:
        """Bytes of all its blobs."""
        return sum(blob.size for blob in self.blobs)


def digest_of(data: bytes) -> str:
    """The digest of some content."""
    return f"sha256:{hashlib.sha256(data).hexdigest()}"


def require_name(model: str) -> None:
    """Raises StoreError for a name that is none of a model: it becomes part of a path."""
    if _NAME.fullmatch(model) is None:
        raise StoreError(
            f"model name {model!r}: expected up to 63 of a-z, 0-9, '.', '_' and '-', a letter or digit first and last"
        )


def manifest_path(store: Path, model: str) -> Path:
    """Where the manifest of a model lies that clients call by this name alone. Raises StoreError for no name."""
    require_name(model)
    return store.joinpath(_MANIFESTS, *_UNNAMED, model, _TAG)


def manifests_folder(store: Path) -> Path:
    """Where all manifests lie."""
    return store / _MANIFESTS


def blobs_folder(store: Path) -> Path:
    """Where all blobs lie."""
    return store / _BLOBS


def blob_path(store: Path, digest: str) -> Path:
    """Where the blob of this digest lies."""
    return store / _BLOBS / digest.replace(":", "-")


def read_digest(store: Path, model: str | None = None) -> str:
    """The digest of the model that `store` has under this name (`model` or `model:tag`), or of the only one it has.

    Raises StoreError when there is none or more than one, and when a blob of it is missing or of another size than its
    manifest says. What is in the blobs is not read.
    """
    named = {path: digest for path, digest in _all_manifests(store).items() if model is None or _is_named(path, model)}
    if len(set(named.values())) != 1:
        there = ", ".join(sorted(str(path.relative_to(store)) for path in (named or _all_manifests(store)))) or "none"
        raise StoreError(f"{store}: expected one model{f' named {model}' if model else ''}, found {there}")
    [digest] = set(named.values())
    require_complete(store, find_manifest(store, digest))
    return digest


def find_manifest(store: Path, digest: str) -> Manifest:
    """The manifest of this digest, whatever its name. Raises StoreError, with the digests that are there instead."""
    found = _all_manifests(store)
    for path, there in found.items():
        if there == digest:
            return parse_manifest(_read(path), str(path.relative_to(store)))
    listed = ", ".join(sorted(f"{there} ({path.relative_to(store)})" for path, there in found.items())) or "none"
    raise StoreError(f"{store}: no model has the digest {digest}; found: {listed}")


def parse_manifest(data: bytes, where: str) -> Manifest:
    """Read a manifest found at `where`. Raises StoreError, naming the field that is wrong."""
    try:
        found = json.loads(data)
    except (ValueError, RecursionError):
        raise StoreError(f"manifest {where}: is not JSON, or not all of it") from None
    if not isinstance(found, dict):
        raise StoreError(f"manifest {where}: expected a JSON object")
    layers = found.get("layers")
    if not isinstance(layers, list) or not layers:
        raise StoreError(f"manifest {where}: layers: expected a list of at least one")
    config = _parse_blob(found.get("config"), f"manifest {where}: config")
    read = (_parse_blob(layer, f"manifest {where}: layers[{at}]") for at, layer in enumerate(layers))
    return Manifest(data, config, tuple(read))


def require_complete(store: Path, manifest: Manifest) -> None:
    """Raises StoreError if a blob is missing, or has another size than the manifest says."""
    for blob in manifest.blobs:
        path = blob_path(store, blob.digest)
        try:
            size = path.stat().st_size
        except OSError as error:
            raise StoreError(f"{store}: blob {blob.digest}: {error.strerror}") from error
        if size != blob.size:
            raise StoreError(f"{store}: blob {blob.digest}: has {size} bytes, its manifest says {blob.size}")


def write_blob(store: Path, media_type: str, data: bytes) -> Blob:
    """Write a blob into a store that is being made."""
    blob = Blob(media_type, digest_of(data), len(data))
    path = blob_path(store, blob.digest)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data)
    return blob


def write_manifest(store: Path, model: str, config: Blob, layers: tuple[Blob, ...]) -> str:
    """Write the manifest of blobs that are there; the model's digest."""
    data = canonical(
        {
            "schemaVersion": 2,
            "mediaType": MANIFEST_TYPE,
            "config": _blob_fields(config),
            "layers": [_blob_fields(layer) for layer in layers],
        }
    )
    path = manifest_path(store, model)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data)
    return digest_of(data)


def canonical(value: Mapping[str, Any]) -> bytes:
    """JSON that is the same for the same value, without a line's end: the model server hashes what it parsed."""
    return json.dumps(value, separators=(",", ":"), sort_keys=True, ensure_ascii=False).encode()


def _blob_fields(blob: Blob) -> dict[str, Any]:
    return {"mediaType": blob.media_type, "digest": blob.digest, "size": blob.size}


def _parse_blob(found: object, where: str) -> Blob:
    if not isinstance(found, dict):
        raise StoreError(f"{where}: expected an object")
    media_type, digest, size = found.get("mediaType"), found.get("digest"), found.get("size")
    if not isinstance(media_type, str):
        raise StoreError(f"{where}: mediaType: expected text")
    if not isinstance(digest, str) or _DIGEST.fullmatch(digest) is None:
        raise StoreError(f"{where}: digest: expected sha256: and 64 hex digits")
    if type(size) is not int or size < 0:
        raise StoreError(f"{where}: size: expected a whole number of bytes")
    return Blob(media_type, digest, size)


def _all_manifests(store: Path) -> dict[Path, str]:
    """Digests of the files that may be manifests."""
    return {path: digest_of(_read(path)) for path in sorted(manifests_folder(store).rglob("*")) if _may_be_one(path)}


def _may_be_one(path: Path) -> bool:
    try:
        return path.is_file() and path.stat().st_size <= _MANIFEST_BYTES
    except OSError as error:
        raise StoreError(f"{path}: {error.strerror}") from error


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise StoreError(f"{path}: {error.strerror}") from error


def _is_named(path: Path, model: str) -> bool:
    name, _, tag = model.partition(":")
    return path.parts[-2:] == (name, tag or _TAG)
