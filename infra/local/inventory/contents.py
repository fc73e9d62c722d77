"""An image's files, read from its OCI archive."""

import json
import tarfile
from collections.abc import Callable
from dataclasses import dataclass
from typing import IO

from infra.local.images import Image

_WHITEOUT = ".wh."
_OPAQUE = ".wh..wh..opq"


@dataclass(frozen=True)
class Contents:
    """`files` maps the paths that were asked for, without a leading slash, to what is in them.

    `compressed` and `unpacked` are bytes of the layers and of the files in them, `count` is how many files those are.
    """

    files: dict[str, bytes]
    compressed: int
    unpacked: int
    count: int


def read_contents(image: Image, wanted: Callable[[str, int], bool]) -> Contents:
    """The image's contents; `wanted` judges a file by its path and its permission bits."""
    files: dict[str, bytes] = {}
    compressed = unpacked = count = 0
    with tarfile.open(image.archive) as archive:
        for layer in json.load(_blob(archive, image.digest))["layers"]:
            compressed += layer["size"]
            with tarfile.open(fileobj=_blob(archive, layer["digest"])) as members:
                for member in members:
                    if _hides(files, member.name) or not member.isfile():
                        continue
                    unpacked, count = unpacked + member.size, count + 1
                    if wanted(member.name, member.mode):
                        content = members.extractfile(member)
                        files[member.name] = content.read() if content else b""
    return Contents(files, compressed, unpacked, count)


def _hides(files: dict[str, bytes], name: str) -> bool:
    """Whether the entry says that something of a lower layer is gone; if so, it is gone."""
    folder, _, last = name.rpartition("/")
    if not last.startswith(_WHITEOUT):
        return False
    gone = folder if last == _OPAQUE else f"{folder}/{last.removeprefix(_WHITEOUT)}".lstrip("/")
    for path in [path for path in files if path == gone or path.startswith(f"{gone}/")]:
        del files[path]
    return True


def _blob(archive: tarfile.TarFile, digest: str) -> IO[bytes]:
    file = archive.extractfile(f"blobs/{digest.replace(':', '/')}")
    if file is None:
        raise ValueError(f"{digest} is no file of the archive")
    return file
