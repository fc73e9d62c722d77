"""Bringing the model from its read-only source into the agent's own store, every byte of it checked."""

import asyncio
import hashlib
import json
import logging
import os
import shutil
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from io import FileIO
from pathlib import Path

from runtime.agent.failures import ModelError
from runtime.agent.model.verified import VerifiedBlobs, is_plain_file, move, replace_file
from runtime.agent.ollama import store_folder
from runtime.agent.settings import AgentSettings
from runtime.http.log import event
from runtime.model.store import (
    PARAMETERS_TYPE,
    Blob,
    Manifest,
    StoreError,
    blob_path,
    blobs_folder,
    find_manifest,
    manifest_path,
    manifests_folder,
    require_complete,
)

_CHUNK_BYTES = 4 << 20
_RECORD = "verified.json"

_log = logging.getLogger("model")


@dataclass(frozen=True)
class Installed:
    """What it took to have the model in place: bytes copied now, and bytes of blobs that were there."""

    copied_bytes: int
    kept_bytes: int
    seconds: float


async def install_model(settings: AgentSettings) -> Installed:
    """Have exactly the model asked for in the agent's store. Raises ModelError, saying what is wrong with which blob.

    The model server must not run meanwhile. When cancelled it stops within one read, and leaves nothing half-copied.
    """
    stopped = threading.Event()
    working = asyncio.create_task(asyncio.to_thread(install, settings, stopped.is_set))
    try:
        return await asyncio.shield(working)
    except asyncio.CancelledError:
        stopped.set()
        await asyncio.gather(working, return_exceptions=True)
        raise


def install(settings: AgentSettings, stopped: Callable[[], bool] = lambda: False) -> Installed:
    """As `install_model`, on this thread; ends with a ModelError once `stopped` says so."""
    began = time.monotonic()
    source, store = settings.places.model, store_folder(settings)
    try:
        manifest = find_manifest(source, settings.model_digest)
        require_complete(source, manifest)
        named = manifest_path(store, settings.model)
        _require_context(source, manifest, settings)
        copied = _bring_blobs(source, store, manifest, stopped)
        named.parent.mkdir(parents=True, exist_ok=True)
        replace_file(named, manifest.data)
    except StoreError as error:
        raise ModelError(f"model {settings.model}: {error}") from error
    except OSError as error:
        raise ModelError(f"model {settings.model}: {error.filename or store}: {error.strerror}") from error
    installed = Installed(copied, manifest.size - copied, time.monotonic() - began)
    event(_log, logging.INFO, "model installed", model=settings.model, digest=manifest.digest, **vars(installed))
    return installed


def _require_context(source: Path, manifest: Manifest, settings: AgentSettings) -> None:
    """Refuse a model that sets another context length: whoever asks it without saying one would have it loaded anew."""
    for layer in manifest.layers:
        if layer.media_type != PARAMETERS_TYPE:
            continue
        # Read before it is verified, which takes long for all of a model; a tampered one is found when it is copied.
        own = _own_context(blob_path(source, layer.digest).read_bytes())
        if own not in (None, settings.context_tokens):
            raise ModelError(
                f"model {settings.model}: sets its context to {own} tokens itself (num_ctx), where "
                f"{settings.context_tokens} were asked for; ask for {own}, or take it without that parameter"
            )


def _own_context(parameters: bytes) -> object:
    try:
        return json.loads(parameters).get("num_ctx")
    except (ValueError, AttributeError):
        return None


def _bring_blobs(source: Path, store: Path, manifest: Manifest, stopped: Callable[[], bool]) -> int:
    """Have the model's blobs in the store, and no others; the bytes that had to be copied."""
    _clear(store, manifest)
    verified = VerifiedBlobs(store / _RECORD, [blob.digest for blob in manifest.blobs])
    missing = [blob for blob in manifest.blobs if not _is_whole(store, blob, verified, stopped)]
    _require_room(store, missing)
    for blob in missing:
        _copy(source, store, blob, stopped)
        verified.add(blob.digest, blob_path(store, blob.digest))
    return sum(blob.size for blob in missing)


def _clear(store: Path, manifest: Manifest) -> None:
    """Remove what is not the model's: another model, and what was half-copied when we were killed."""
    blobs_folder(store).mkdir(parents=True, exist_ok=True)
    shutil.rmtree(manifests_folder(store), ignore_errors=True)
    own = {blob_path(store, blob.digest) for blob in manifest.blobs}
    for path in blobs_folder(store).iterdir():
        if path not in own or not is_plain_file(path):
            _remove(path)


def _remove(path: Path) -> None:
    event(_log, logging.INFO, "not the model's: removed", file=path.name)
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    else:
        path.unlink()


def _is_whole(store: Path, blob: Blob, verified: VerifiedBlobs, stopped: Callable[[], bool]) -> bool:
    """Is the blob in the store as it should be? A damaged one is removed, to make room for a new one."""
    path = blob_path(store, blob.digest)
    if not path.exists():
        return False
    if verified.holds(blob.digest, path):
        return True
    with path.open("rb", buffering=0) as file:
        found = _digest(file, stopped)
    if found == blob.digest:
        verified.add(blob.digest, path)
        return True
    event(_log, logging.WARNING, "damaged: copied anew", blob=blob.digest, found=found)
    path.unlink()
    return False


def _require_room(store: Path, missing: Sequence[Blob]) -> None:
    needed, volume = sum(blob.size for blob in missing), os.statvfs(store)
    free = volume.f_bavail * volume.f_frsize
    if needed > free:
        raise ModelError(
            f"{store}: no room for the model: {needed} bytes needed, {free} free; give the agent more storage"
        )


def _copy(source: Path, store: Path, blob: Blob, stopped: Callable[[], bool]) -> None:
    """Copy a blob, under another name until it is known to be whole."""
    began, path = time.monotonic(), blob_path(store, blob.digest)
    partial = path.with_name(f".{path.name}.partial")
    try:
        with blob_path(source, blob.digest).open("rb", buffering=0) as reading, partial.open("wb") as writing:
            found = _digest(reading, stopped, writing.write)
            writing.flush()
            os.fsync(writing.fileno())
        if found != blob.digest:
            raise _damaged(source, blob, found)
        move(partial, path)
    except BaseException:
        partial.unlink(missing_ok=True)
        raise
    event(_log, logging.INFO, "copied", blob=blob.digest, bytes=blob.size, seconds=time.monotonic() - began)


def _digest(reading: FileIO, stopped: Callable[[], bool], write: Callable[[memoryview], object] | None = None) -> str:
    """The digest of the file's content, which is written on the way."""
    hashing, buffer = hashlib.sha256(), memoryview(bytearray(_CHUNK_BYTES))
    while count := reading.readinto(buffer):
        if stopped():
            raise ModelError("stopped while the model was brought in")
        hashing.update(buffer[:count])
        if write is not None:
            write(buffer[:count])
    return f"sha256:{hashing.hexdigest()}"


def _damaged(source: Path, blob: Blob, found: str) -> ModelError:
    return ModelError(f"{source}: blob {blob.digest}: its content is another, {found}; make the source anew")
