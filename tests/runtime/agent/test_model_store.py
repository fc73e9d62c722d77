"""Bringing the model into the agent's own store: what is refused, what is kept, what a crash leaves."""

import asyncio
import json
import os
import random
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import pytest

from runtime.agent.failures import ModelError
from runtime.agent.model import install as installing
from runtime.agent.model.install import install, install_model
from runtime.agent.settings import AgentSettings, Places
from runtime.model.store import (
    CONFIG_TYPE,
    PARAMETERS_TYPE,
    WEIGHTS_TYPE,
    Blob,
    blob_path,
    blobs_folder,
    find_manifest,
    manifest_path,
    read_digest,
    write_blob,
    write_manifest,
)
from tests.waiting import eventually

CONTEXT = 4096
WEIGHTS = random.Random(1).randbytes(9 << 20)  # noqa: S311  # not a secret, but content no file system can shrink
"""More than is copied at once."""


def make_source(store: Path, weights: bytes = WEIGHTS, parameters: bytes = b'{"temperature":0}') -> str:
    layers = (write_blob(store, WEIGHTS_TYPE, weights), write_blob(store, PARAMETERS_TYPE, parameters))
    return write_manifest(store, "tiny", write_blob(store, CONFIG_TYPE, b'{"model_format":"gguf"}'), layers)


@pytest.fixture
def settings(tmp_path: Path) -> AgentSettings:
    digest = make_source(tmp_path / "source")
    (tmp_path / "data").mkdir()
    places = Places(data=tmp_path / "data", model=tmp_path / "source")
    return AgentSettings("acme", "helper", "tiny", digest, CONTEXT, CONTEXT // 2, places=places)


def own_store(settings: AgentSettings) -> Path:
    return settings.places.data / "ollama"


def weights_of(settings: AgentSettings) -> Blob:
    return find_manifest(settings.places.model, settings.model_digest).layers[0]


def require_installed(settings: AgentSettings) -> None:
    """The own store holds exactly the model, whole."""
    source, store = settings.places.model, own_store(settings)
    assert read_digest(store, settings.model) == settings.model_digest
    blobs = {blob_path(store, blob.digest) for blob in find_manifest(source, settings.model_digest).blobs}
    assert set(blobs_folder(store).iterdir()) == blobs
    assert all(path.read_bytes() == (blobs_folder(source) / path.name).read_bytes() for path in blobs)
    assert [path.name for path in manifest_path(store, settings.model).parent.iterdir()] == ["latest"]


def test_the_model_is_copied_and_found_by_its_plain_name(settings: AgentSettings) -> None:
    installed = install(settings)
    require_installed(settings)
    assert installed.copied_bytes == find_manifest(settings.places.model, settings.model_digest).size
    assert installed.kept_bytes == 0


def test_any_name_in_the_source_will_do(settings: AgentSettings) -> None:
    source = settings.places.model
    there = manifest_path(source, "tiny")
    there.rename(source / "manifests" / "otherwise-named")
    install(replace(settings, model="mine"))
    assert read_digest(own_store(settings), "mine") == settings.model_digest


def test_a_verified_copy_is_not_read_again(settings: AgentSettings, monkeypatch: pytest.MonkeyPatch) -> None:
    install(settings)
    monkeypatch.setattr(installing, "_digest", lambda *_: pytest.fail("a blob was read"))
    assert install(settings).copied_bytes == 0
    require_installed(settings)


@pytest.mark.parametrize("record", [None, b"", b"[]", b'{"sha256:00":{}}', b'{"sha256:00":{"inode":1}}'])
def test_without_a_record_what_is_there_is_read_and_kept(settings: AgentSettings, record: bytes | None) -> None:
    install(settings)
    path = own_store(settings) / "verified.json"
    before = json.loads(path.read_text())
    if record is None:
        path.unlink()
    else:
        path.write_bytes(record)
    assert install(settings).copied_bytes == 0
    assert json.loads(path.read_text()) == before


def test_a_copy_that_was_changed_is_copied_anew(settings: AgentSettings) -> None:
    install(settings)
    path = blob_path(own_store(settings), weights_of(settings).digest)
    found = path.stat()
    path.write_bytes(bytes(len(WEIGHTS)))
    os.utime(path, ns=(found.st_atime_ns, found.st_mtime_ns))
    assert install(settings).copied_bytes == len(WEIGHTS)
    require_installed(settings)


def test_a_link_in_place_of_a_copy_is_not_followed(settings: AgentSettings, tmp_path: Path) -> None:
    install(settings)
    path = blob_path(own_store(settings), weights_of(settings).digest)
    path.rename(tmp_path / "elsewhere")
    path.symlink_to(tmp_path / "elsewhere")
    install(settings)
    assert not path.is_symlink()
    require_installed(settings)


def test_another_model_makes_way(settings: AgentSettings, tmp_path: Path) -> None:
    install(settings)
    (blobs_folder(own_store(settings)) / "folder").mkdir()
    other = make_source(tmp_path / "other", b"other weights")
    now = replace(
        settings, model="other", model_digest=other, places=replace(settings.places, model=tmp_path / "other")
    )
    install(now)
    require_installed(now)
    assert not manifest_path(own_store(settings), "tiny").exists()


def test_a_wrong_digest_names_both(settings: AgentSettings) -> None:
    asked = f"sha256:{'0' * 64}"
    with pytest.raises(ModelError) as refused:
        install(replace(settings, model_digest=asked))
    assert asked in str(refused.value)
    assert settings.model_digest in str(refused.value)
    assert not own_store(settings).exists()


def test_a_source_without_any_model_says_so(settings: AgentSettings, tmp_path: Path) -> None:
    with pytest.raises(ModelError, match=r"no model has the digest .* found: none"):
        install(replace(settings, places=replace(settings.places, model=tmp_path / "nothing")))


def test_a_tampered_blob_names_it_and_both_digests(settings: AgentSettings) -> None:
    blob = weights_of(settings)
    path = blob_path(settings.places.model, blob.digest)
    path.write_bytes(WEIGHTS[:-1] + b"!")
    with pytest.raises(ModelError, match=rf"blob {blob.digest}: its content is another, sha256:[0-9a-f]{{64}}"):
        install(settings)
    require_nothing_of(settings, blob)


def require_nothing_of(settings: AgentSettings, blob: Blob) -> None:
    assert blob.digest.removeprefix("sha256:") not in str(list(blobs_folder(own_store(settings)).iterdir()))
    assert not manifest_path(own_store(settings), "tiny").exists()


@pytest.mark.parametrize(
    ("change", "says"),
    [
        (lambda path: path.unlink(), "No such file or directory"),
        (lambda path: path.write_bytes(b"short"), f"has 5 bytes, its manifest says {len(WEIGHTS)}"),
    ],
)
def test_a_blob_that_is_not_all_there_is_refused_before_any_copy(
    settings: AgentSettings, change: Callable[[Path], object], says: str
) -> None:
    blob = weights_of(settings)
    change(blob_path(settings.places.model, blob.digest))
    with pytest.raises(ModelError, match=f"blob {blob.digest}: {says}"):
        install(settings)
    assert not own_store(settings).exists()


def test_parameters_with_another_context_are_refused(settings: AgentSettings) -> None:
    digest = make_source(settings.places.model, parameters=b'{"num_ctx":8192}')
    with pytest.raises(
        ModelError, match=r"sets its context to 8192 tokens itself .* 4096 were asked for; ask for 8192"
    ):
        install(replace(settings, model_digest=digest))
    install(replace(settings, model_digest=digest, context_tokens=8192))


def test_tampered_parameters_are_not_believed(settings: AgentSettings) -> None:
    digest = make_source(settings.places.model, parameters=b'{"num_ctx":8192}')
    parameters = find_manifest(settings.places.model, digest).layers[1]
    blob_path(settings.places.model, parameters.digest).write_bytes(b'{"num_ctx":4096}')
    with pytest.raises(ModelError, match=f"blob {parameters.digest}: its content is another"):
        install(replace(settings, model_digest=digest))


def test_no_room_is_told_before_anything_is_copied(settings: AgentSettings, monkeypatch: pytest.MonkeyPatch) -> None:
    volume = os.statvfs(settings.places.data)
    monkeypatch.setattr("os.statvfs", lambda _: os.statvfs_result((4096, 4096, volume.f_blocks, 900, 100, *volume[5:])))
    needed = find_manifest(settings.places.model, settings.model_digest).size
    with pytest.raises(ModelError, match=rf"{needed} bytes needed, {100 * 4096} free"):
        install(settings)
    assert list(blobs_folder(own_store(settings)).iterdir()) == []


def test_only_what_is_missing_needs_room(settings: AgentSettings, monkeypatch: pytest.MonkeyPatch) -> None:
    install(settings)
    volume = os.statvfs(settings.places.data)
    monkeypatch.setattr("os.statvfs", lambda _: os.statvfs_result((4096, 4096, volume.f_blocks, 0, 0, *volume[5:])))
    assert install(settings).copied_bytes == 0


@contextmanager
def small_volume(folder: Path, size: str) -> Iterator[None]:
    """A file system of this size on `folder`."""
    mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={size}", "none", str(folder)], capture_output=True)
    if mounted.returncode != 0:
        pytest.skip(f"cannot mount here: {mounted.stderr.decode()}")
    try:
        yield
    finally:
        subprocess.run(["umount", str(folder)], check=True)


def test_a_volume_that_fills_up_meanwhile_is_told_too(settings: AgentSettings, monkeypatch: pytest.MonkeyPatch) -> None:
    with small_volume(settings.places.data, "4m"):
        with pytest.raises(ModelError, match=r"bytes needed, \d+ free"):
            install(settings)
        monkeypatch.setattr(installing, "_require_room", lambda *_: None)
        with pytest.raises(ModelError, match="No space left on device"):
            install(settings)
        require_nothing_of(settings, weights_of(settings))


_COPY_HALF = """
import sys, time
from pathlib import Path
from runtime.agent.model.install import install
from runtime.agent.settings import AgentSettings, Places
source, data, digest = sys.argv[1:]
asked = []
def stopped():
    asked.append(1)
    if len(asked) == 3:
        print("half", flush=True)
        time.sleep(600)
places = Places(data=Path(data), model=Path(source))
install(AgentSettings("acme", "helper", "tiny", digest, 4096, 512, places=places), stopped)
"""


def test_a_kill_in_the_middle_of_a_copy_leaves_nothing_that_passes_for_one(settings: AgentSettings) -> None:
    given = [str(settings.places.model), str(settings.places.data), settings.model_digest]
    with subprocess.Popen([sys.executable, "-c", _COPY_HALF, *given], stdout=subprocess.PIPE) as copying:
        assert copying.stdout is not None
        assert copying.stdout.readline() == b"half\n"
        copying.send_signal(signal.SIGKILL)
    left = {path.name: path.stat().st_size for path in blobs_folder(own_store(settings)).iterdir()}
    weights = blob_path(own_store(settings), weights_of(settings).digest)
    assert weights.name not in left
    assert 0 < left[f".{weights.name}.partial"] < len(WEIGHTS)
    install(settings)
    require_installed(settings)


async def test_a_cancelled_copy_ends_soon_and_leaves_nothing(
    settings: AgentSettings, monkeypatch: pytest.MonkeyPatch
) -> None:
    loop, copying = asyncio.get_running_loop(), asyncio.Event()
    real, told = installing._copy, []

    def copy(source: Path, store: Path, blob: Blob, stopped: Callable[[], bool]) -> None:
        loop.call_soon_threadsafe(copying.set)
        told.append(eventually(stopped, "the copy is told to stop"))
        real(source, store, blob, stopped)

    monkeypatch.setattr(installing, "_copy", copy)
    task = asyncio.create_task(install_model(settings))
    await copying.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert told == [True]
    assert list(blobs_folder(own_store(settings)).iterdir()) == []
