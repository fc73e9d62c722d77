"""Bringing what was written to the disk, a group at a time and off the writer's thread."""

import os
import threading
from collections.abc import Callable


class GroupSync:
    """A thread that calls `fsync` on files that were written to, at most every `every_s` seconds.

    `failed` is called, on whichever thread it happens, with what went wrong: after a failed fsync nobody knows what the
    disk holds.
    """

    def __init__(self, every_s: float, failed: Callable[[OSError], None]) -> None:
        self._every_s = every_s
        self._failed = failed
        # In the order of writing: what follows in a chain must not be on the disk before what it follows.
        self._written: dict[int, None] = {}
        self._finished: list[int] = []
        self._lock = threading.Lock()
        self._syncing = threading.Lock()
        self._wanted = threading.Event()
        self._closing = threading.Event()
        self._thread = threading.Thread(target=self._run, name="receipts-sync", daemon=True)
        self._thread.start()

    def written(self, descriptor: int) -> None:
        """The file was written to. It must stay open."""
        with self._lock:
            self._written[descriptor] = None
        self._wanted.set()

    def finished(self, descriptor: int) -> None:
        """Nothing more will be written to the file: it is closed once all of it is on the disk."""
        with self._lock:
            self._written.setdefault(descriptor)
            self._finished.append(descriptor)
        self._wanted.set()

    def sync(self) -> None:
        """Bring everything written so far to the disk, now."""
        with self._syncing:
            with self._lock:
                written, self._written = self._written, {}
                finished, self._finished = self._finished, []
            try:
                for descriptor in written:
                    os.fsync(descriptor)
            except OSError as error:
                self._failed(error)
            for descriptor in finished:
                os.close(descriptor)

    def close(self) -> None:
        """`sync`, and end the thread."""
        self._closing.set()
        self._wanted.set()
        self._thread.join()
        self.sync()

    def _run(self) -> None:
        while not self._closing.is_set():
            self._wanted.wait()
            self._wanted.clear()
            self._closing.wait(self._every_s)
            self.sync()
