"""Small OCI images made by hand: busybox and nothing else, or mere files."""

import hashlib
import io
import json
import tarfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

BUSYBOX = Path("/bin/busybox")
"""Linked statically, from Debian's busybox-static."""
COMMANDS = ("cat", "dd", "df", "httpd", "id", "ls", "nc", "rm", "sh", "sleep", "stat", "touch")
MANIFEST = "application/vnd.oci.image.manifest.v1+json"
CONFIG = "application/vnd.oci.image.config.v1+json"
LAYER = "application/vnd.oci.image.layer.v1.tar"


@dataclass(frozen=True)
class Archive:
    """An image as the machine takes it."""

    name: str
    archive: Path
    tag: str
    reference: str


def busybox_image(folder: Path, name: str) -> Archive:
    """An image that sleeps for ever as uid 10001."""
    run = {"Entrypoint": ["/bin/sleep", "2147483647"], "Env": ["PATH=/bin"], "User": "10001:10001"}
    return _image(folder, name, _layer(), run)


def files_image(folder: Path, name: str, files: Mapping[str, bytes]) -> Archive:
    """An image that holds files, and nothing that could run."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as tar:
        for path, content in files.items():
            _add(tar, path, content)
    return _image(folder, name, buffer.getvalue(), {})


def _image(folder: Path, name: str, layer: bytes, run: Mapping[str, Any]) -> Archive:
    tag = f"localhost/moltghost/{name}:test"
    path = folder / f"{name}.tar"
    config = {
        "architecture": "amd64",
        "os": "linux",
        "config": run,
        "rootfs": {"type": "layers", "diff_ids": [_digest(layer)]},
    }
    with tarfile.open(path, "w") as tar:
        manifest = {
            "schemaVersion": 2,
            "mediaType": MANIFEST,
            "config": _blob(tar, CONFIG, json.dumps(config).encode()),
            "layers": [_blob(tar, LAYER, layer)],
        }
        described = _blob(tar, MANIFEST, json.dumps(manifest).encode())
        index = {"schemaVersion": 2, "manifests": [{**described, "annotations": {"io.containerd.image.name": tag}}]}
        _add(tar, "index.json", json.dumps(index).encode())
        _add(tar, "oci-layout", b'{"imageLayoutVersion": "1.0.0"}')
    return Archive(name, path, tag, f"localhost/moltghost/{name}@{described['digest']}")


def _layer() -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as tar:
        for folder in ("bin", "data", "dev", "etc", "proc", "sys", "tmp"):
            info = tarfile.TarInfo(folder)
            info.type, info.mode = tarfile.DIRTYPE, 0o755
            tar.addfile(info)
        _add(tar, "bin/busybox", BUSYBOX.read_bytes(), 0o755)
        for command in COMMANDS:
            link = tarfile.TarInfo(f"bin/{command}")
            link.type, link.linkname = tarfile.SYMTYPE, "busybox"
            tar.addfile(link)
    return buffer.getvalue()


def _blob(tar: tarfile.TarFile, kind: str, data: bytes) -> dict[str, Any]:
    digest = _digest(data)
    _add(tar, f"blobs/sha256/{digest.removeprefix('sha256:')}", data)
    return {"mediaType": kind, "digest": digest, "size": len(data)}


def _add(tar: tarfile.TarFile, name: str, data: bytes, mode: int = 0o644) -> None:
    info = tarfile.TarInfo(name)
    info.size, info.mode = len(data), mode
    tar.addfile(info, io.BytesIO(data))


def _digest(data: bytes) -> str:
    return f"sha256:{hashlib.sha256(data).hexdigest()}"
