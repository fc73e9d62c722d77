"""The tool cache: a folder outside the work tree that several clones and several runs share."""

import fcntl
import hashlib
import os
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

Progress = Callable[[str], None]
"""Takes one line that says what is being done now."""

CACHE_VARIABLE = "MOLTGHOST_CACHE"


def cache_root() -> Path:
    """The cache's folder: `$MOLTGHOST_CACHE`, or `~/.cache/moltghost`."""
    configured = os.environ.get(CACHE_VARIABLE)
    return Path(configured).expanduser().resolve() if configured else Path.home() / ".cache" / "moltghost"


def digest_of(parts: Iterable[str | bytes]) -> str:
    """SHA-256, in hex, of a sequence; where one part ends and the next begins counts."""
    total = hashlib.sha256()
    for part in parts:
        data = part.encode() if isinstance(part, str) else part
        total.update(len(data).to_bytes(8, "big"))
        total.update(data)
    return total.hexdigest()


@contextmanager
def locked(path: Path, progress: Progress, what: str) -> Iterator[None]:
    """Hold the lock file `path`; the kernel lets go of it when this process ends, however it ends.

    `progress` hears of it once when another process holds the lock, for that can take minutes.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w") as handle:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            progress(f"waiting for another process that makes {what}")
            fcntl.flock(handle, fcntl.LOCK_EX)
        yield


def elapsed(since: float) -> str:
    """The time from `since` (of `time.monotonic()`) until now, as a person reads it."""
    seconds = round(time.monotonic() - since)
    return f"{seconds // 60} min {seconds % 60:02} s" if seconds >= 60 else f"{seconds} s"
