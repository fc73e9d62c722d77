"""Which blobs of the agent's own store were found to be whole, so that they need not be read at every start."""

import json
import os
import stat
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from pathlib import Path


@dataclass(frozen=True)
class Identity:
    """What changes with a file's content: whoever writes to a file cannot keep its `ctime_ns`."""

    inode: int
    size: int
    ctime_ns: int


class VerifiedBlobs:
    """A JSON file that names verified blobs by the digests wanted; one that cannot be read names none."""

    def __init__(self, record: Path, wanted: Iterable[str]) -> None:
        self._record = record
        known = _read(record)
        self._known = {digest: known[digest] for digest in wanted if digest in known}

    def holds(self, digest: str, blob: Path) -> bool:
        """Is `blob` the very file that was verified? Raises OSError if there is no such file."""
        return self._known.get(digest) == identity(blob)

    def add(self, digest: str, blob: Path) -> None:
        """Note that `blob` was verified as it is now. Raises OSError."""
        self._known[digest] = identity(blob)
        replace_file(self._record, json.dumps({name: asdict(known) for name, known in self._known.items()}).encode())


def identity(path: Path) -> Identity:
    """Raises OSError if there is no such file."""
    found = path.lstat()
    return Identity(found.st_ino, found.st_size, found.st_ctime_ns)


def is_plain_file(path: Path) -> bool:
    """Is there a file, and not a link to one? Raises OSError for other reasons than that there is nothing."""
    try:
        return stat.S_ISREG(path.lstat().st_mode)
    except FileNotFoundError:
        return False


def replace_file(path: Path, data: bytes) -> None:
    """Give a file this content, all of it or none of it whenever we are killed. Raises OSError."""
    new = path.with_name(f".{path.name}.new")
    with new.open("wb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())
    move(new, path)


def move(new: Path, path: Path) -> None:
    """Put `new` in the place of `path`, for good. Raises OSError."""
    new.replace(path)
    folder = os.open(path.parent, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)


def _read(record: Path) -> dict[str, Identity]:
    try:
        return {digest: Identity(**known) for digest, known in json.loads(record.read_text()).items()}
    except (OSError, ValueError, TypeError, AttributeError):
        return {}
