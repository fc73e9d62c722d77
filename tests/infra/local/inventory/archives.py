"""Small OCI archives, made by hand."""

import hashlib
import io
import json
import tarfile
from collections.abc import Mapping, Sequence
from pathlib import Path

from infra.local.images import Image

PROGRAM = 0o755


def write_image(folder: Path, layers: Sequence[Mapping[str, bytes]], programs: Sequence[str] = ()) -> Image:
    """An image of these layers, lowest first; `programs` are files that can be run."""
    blobs = [_layer(layer, programs) for layer in layers]
    manifest = json.dumps({"layers": [{"digest": _digest(blob), "size": len(blob)} for blob in blobs]}).encode()
    archive = folder / "image.tar"
    with tarfile.open(archive, "w") as tar:
        for blob in (*blobs, manifest):
            _add(tar, f"blobs/{_digest(blob).replace(':', '/')}", blob, 0o644)
    return Image("sample", _digest(manifest), archive, "localhost/sample:1")


def _layer(files: Mapping[str, bytes], programs: Sequence[str]) -> bytes:
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w:gz") as tar:
        for path, content in files.items():
            _add(tar, path, content, PROGRAM if path in programs else 0o644)
    return out.getvalue()


def _add(tar: tarfile.TarFile, path: str, content: bytes, mode: int) -> None:
    entry = tarfile.TarInfo(path)
    entry.size, entry.mode = len(content), mode
    tar.addfile(entry, io.BytesIO(content))


def _digest(blob: bytes) -> str:
    return f"sha256:{hashlib.sha256(blob).hexdigest()}"


def go_program(*modules: str, version: str = "go1.26.2") -> bytes:
    """As much of a Go program as tells of its modules."""
    listed = b"<" * 16 + "".join(f"{line}\n" for line in modules).encode() + b">" * 16
    header = b"\xff Go buildinf:" + bytes([8, 2]) + bytes(16)
    return b"\x7fELF" + bytes(28) + header + _counted(version.encode()) + _counted(listed)


def _counted(text: bytes) -> bytes:
    length, out = len(text), b""
    while length >= 0x80:
        out, length = out + bytes([length & 0x7F | 0x80]), length >> 7
    return out + bytes([length]) + text
