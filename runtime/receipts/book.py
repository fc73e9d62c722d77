"""The book an agent writes its receipts into."""

import fcntl
import logging
import os
import threading
import time
from collections.abc import Callable
from pathlib import Path
from types import TracebackType
from typing import Self

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from runtime.http.log import event
from runtime.receipts.format import BrokenBookError, Entry, Identity, ReceiptError, seal
from runtime.receipts.keys import key_id
from runtime.receipts.segments import REMEDY, End, recover, segment
from runtime.receipts.syncing import GroupSync
from runtime.receipts.verifying import signed_by

SEGMENT_BYTES = 8 * 1024 * 1024
"""Size a file of a book may have: opening a book reads one, which takes about a second at most."""
SYNC_EVERY_S = 0.2
"""Seconds a receipt may be in the kernel's memory alone: that much a power cut of the node can lose."""
_FOLDER_MODE = 0o700
_FILE_MODE = 0o600

_log = logging.getLogger("receipts")


class ReceiptBook:
    """Appends receipts to the chain in a folder; one process at a time.

    `key` gives the private key to sign with; it is asked for each receipt and answers with the same object until the
    key was rotated. `append` is a signature and one `write`, some tens of microseconds; a receipt it has returned for
    outlives the process at once, and a power cut after SYNC_EVERY_S seconds. Threads may share a book.

    A book that is not one chain is not opened, and its agent is not to start: it could answer requests but no longer
    prove what it did, and receipts written on would bury where the book was broken. Someone must look first.
    """

    def __init__(
        self,
        folder: Path,
        identity: Identity,
        key: Callable[[], Ed25519PrivateKey],
        *,
        segment_bytes: int = SEGMENT_BYTES,
        sync_every_s: float = SYNC_EVERY_S,
        clock: Callable[[], float] = time.time,
    ) -> None:
        """Open the book, or begin it. Raises BrokenBookError, or ReceiptError if the folder cannot be used."""
        self._folder = folder
        self._identity = identity
        self._signer = _Signer(key)
        self._segment_bytes = segment_bytes
        self._clock = clock
        self._lock = threading.Lock()
        self._problem: str | None = None
        self._closed = False
        try:
            folder.mkdir(mode=_FOLDER_MODE, parents=True, exist_ok=True)
            self._folder_fd = _lock_folder(folder)
            try:
                self._resume(recover(folder, identity))
            except BaseException:
                os.close(self._folder_fd)
                raise
        except OSError as error:
            raise ReceiptError(f"{folder}: receipts cannot be written here ({error.strerror})") from None
        self._sync = GroupSync(sync_every_s, self._sync_failed)
        self._sync.written(self._folder_fd)
        event(_log, logging.INFO, "receipt book opened", receipts=self._seq, head=self.head, kid=self._signer.kid)

    def _resume(self, end: End) -> None:
        self._number, self._seq, self._head = end.number, end.seq, end.prev
        key = self._signer.current()
        last = end.last
        if last and last["kid"] == self._signer.kid and not signed_by(last, key.public_key()):
            path = segment(self._folder, end.number)
            reason = f"receipt {last['seq']}, the last one, is not signed by the key it names"
            raise BrokenBookError(f"{path}: {reason}; {REMEDY}")
        self._fd = self._open_segment()
        self._size = os.fstat(self._fd).st_size

    @property
    def head(self) -> str:
        """Hash of the newest receipt, in hex; of a book without any, what the first one will name as the one before."""
        return self._head

    @property
    def problem(self) -> str | None:
        """Why no receipt can be written any more; None while they can. Nothing mends it but a new start."""
        return self._problem

    def append(self, entry: Entry) -> str:
        """Write the receipt of a request that has ended; its hash, in hex.

        Raises ReceiptError if it was not written: the chain is then as before, and the next one may be.
        """
        with self._lock:
            if self._problem:
                raise ReceiptError(self._problem)
            line, digest = self._signer.seal(entry, self._identity, self._seq, self._head, self._clock())
            self._write(line)
            self._seq += 1
            self._head = digest
        return digest

    def sync(self) -> None:
        """Bring every receipt to the disk. Blocks for as long as the disk takes: not for an event loop."""
        self._sync.sync()

    def close(self) -> None:
        """`sync`, and let another process have the book."""
        with self._lock:
            if self._closed:
                return
            self._closed = True
            self._problem = self._problem or "the receipt book is closed"
        self._sync.finished(self._fd)
        self._sync.finished(self._folder_fd)
        self._sync.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _write(self, line: bytes) -> None:
        try:
            if self._size and self._size + len(line) > self._segment_bytes:
                self._next_segment()
            written = os.write(self._fd, line)
        except OSError as error:
            self._roll_back()
            raise ReceiptError(f"{self._folder}: a receipt could not be written ({error.strerror})") from None
        if written != len(line):
            self._roll_back()
            raise ReceiptError(f"{self._folder}: a receipt could not be written whole; the volume may be full")
        self._size += written
        self._sync.written(self._fd)

    def _roll_back(self) -> None:
        """Take back what there is of a line, so that the next one follows a whole one."""
        try:
            os.ftruncate(self._fd, self._size)
        except OSError as error:
            self._give_up(f"{self._folder}: half a receipt could not be taken back ({error.strerror})")

    def _next_segment(self) -> None:
        self._number += 1
        try:
            opened = self._open_segment()
        except OSError:
            self._number -= 1
            raise
        self._sync.finished(self._fd)
        self._fd, self._size = opened, 0
        self._sync.written(self._folder_fd)

    def _open_segment(self) -> int:
        return os.open(segment(self._folder, self._number), os.O_WRONLY | os.O_APPEND | os.O_CREAT, _FILE_MODE)

    def _sync_failed(self, error: OSError) -> None:
        self._give_up(f"{self._folder}: receipts could not be brought to the disk ({error.strerror})")

    def _give_up(self, problem: str) -> None:
        self._problem = problem
        event(_log, logging.CRITICAL, "receipts end here", reason=problem)


class _Signer:
    """Signs with the key of the moment, and says when it has become another."""

    def __init__(self, key: Callable[[], Ed25519PrivateKey]) -> None:
        self._ask = key
        self._key = key()
        self.kid = key_id(self._key.public_key())

    def current(self) -> Ed25519PrivateKey:
        """The key to sign with now."""
        key = self._ask()
        if key is not self._key:
            before, self._key, self.kid = self.kid, key, key_id(key.public_key())
            if before != self.kid:
                event(_log, logging.INFO, "receipts are signed with another key", kid=self.kid, before=before)
        return key

    def seal(self, entry: Entry, identity: Identity, seq: int, prev: str, now_s: float) -> tuple[bytes, str]:
        """A line and its hash. Raises ReceiptError."""
        key = self.current()
        return seal(entry, identity, seq, prev, now_s, key, self.kid)


def _lock_folder(folder: Path) -> int:
    """A descriptor that keeps every other process out of the folder. Raises ReceiptError if one is in it."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(descriptor)
        raise ReceiptError(f"{folder}: another process writes receipts here; wait for its end") from None
    return descriptor
