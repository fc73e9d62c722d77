"""Programs started for someone else: each leads a process group, and none outlives us."""

import os
import queue
import signal
import subprocess
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from typing import IO

GRACE = 10.0
"""Seconds a program that is told to stop has before it is killed."""


class Child:
    """A running program and its process group."""

    def __init__(self, process: "subprocess.Popen[bytes]") -> None:
        self.process = process
        self.told_to_end = False

    def signal(self, number: signal.Signals) -> None:
        """Signal the whole group; nothing happens when it has ended."""
        if self.process.poll() is None:
            try:
                os.killpg(self.process.pid, number)
            except ProcessLookupError:
                return

    def wait(self) -> int:
        """The exit code, negative for a signal."""
        return self.process.wait()

    def end(self) -> None:
        """Tell the program to end, and kill it if it is still there after `GRACE` seconds. Returns at once."""
        if self.process.poll() is None:
            self.told_to_end = True
            self.signal(signal.SIGTERM)  # not SIGINT: Python would fill the user's screen with a traceback
            timer = threading.Timer(GRACE, self.signal, (signal.SIGKILL,))
            timer.daemon = True
            timer.start()

    def output(self) -> Iterator[tuple[str, bytes]]:
        """Chunks of a piped program's output, with `stdout` or `stderr`, until both are closed."""
        chunks: queue.SimpleQueue[tuple[str, bytes]] = queue.SimpleQueue()
        pipes = {"stdout": self.process.stdout, "stderr": self.process.stderr}
        for name, pipe in pipes.items():
            threading.Thread(target=_pump, args=(name, pipe, chunks), daemon=True).start()
        open_pipes = len(pipes)
        while open_pipes:
            name, chunk = chunks.get()
            if chunk:
                yield name, chunk
            else:
                open_pipes -= 1


class Children:
    """Every program started so far."""

    def __init__(self) -> None:
        self._running: list[Child] = []

    def start(
        self,
        command: Sequence[str],
        cwd: str,
        env: Mapping[str, str],
        piped: bool = False,
        stdin: bytes = b"",
    ) -> Child:
        """Start a program that reads `stdin`; its output is ours unless it is piped."""
        pipe = subprocess.PIPE if piped else None
        source = subprocess.PIPE if stdin else subprocess.DEVNULL
        process = subprocess.Popen(
            command, cwd=cwd, env=env, stdin=source, stdout=pipe, stderr=pipe, start_new_session=True
        )
        child = Child(process)
        self._running = [*(other for other in self._running if other.process.poll() is None), child]
        if process.stdin is not None:
            threading.Thread(target=_feed, args=(process.stdin, stdin), daemon=True).start()
        return child

    def end(self) -> None:
        """Tell all to end."""
        for child in self._running:
            child.end()

    def kill(self) -> None:
        """End all at once."""
        for child in self._running:
            child.signal(signal.SIGKILL)


def _pump(name: str, pipe: IO[bytes] | None, chunks: "queue.SimpleQueue[tuple[str, bytes]]") -> None:
    if pipe is not None:
        with pipe:
            while chunk := os.read(pipe.fileno(), 4096):
                chunks.put((name, chunk))
    chunks.put((name, b""))


def _feed(pipe: IO[bytes], text: bytes) -> None:
    with suppress(BrokenPipeError), pipe:  # a program needn't read all it is offered
        pipe.write(text)
