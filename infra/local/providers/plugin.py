"""A plugin process: a gRPC server on a loopback port, printed on the first line of output; it ends with its engine."""

import argparse
import logging
import os
import select
import signal
import sys
import threading
import time
from collections.abc import Callable, Sequence
from concurrent import futures
from pathlib import Path

import grpc  # type: ignore[import-untyped]

WORKERS = 64
"""Requests handled at once: most of them wait for something to become ready."""
LARGEST_MESSAGE = 400 * 1024 * 1024
"""Bytes; the engine's own limit."""


def arguments(argv: Sequence[str]) -> argparse.Namespace:
    """`engine` (the engine's address, may be empty) and `log` of a plugin's command line; the rest is glog noise."""
    parser = argparse.ArgumentParser(add_help=False, allow_abbrev=False)
    parser.add_argument("--log", type=Path)
    known, rest = parser.parse_known_args(argv)
    known.engine = next((argument for argument in rest if not argument.startswith("-")), "")
    return known


def log_to(file: Path | None, name: str) -> None:
    """Send this process's log to `file`, or to standard error, which the engine shows."""
    target: logging.Handler = logging.StreamHandler(sys.stderr)
    if file is not None:
        file.parent.mkdir(parents=True, exist_ok=True)
        target = logging.FileHandler(file)
    target.setFormatter(logging.Formatter(f"%(asctime)s {name}[%(process)d] %(levelname)s %(message)s"))
    logging.basicConfig(level=logging.INFO if file else logging.ERROR, handlers=[target], force=True)


def end_with_parent(at_end: Callable[[], None] = lambda: None) -> None:
    """End this process as soon as the one that started it has ended, however that came about."""
    parent = os.getppid()

    def watch() -> None:
        wait_for_end_of(parent)
        at_end()
        os._exit(0)

    threading.Thread(target=watch, name="parent-watch", daemon=True).start()


def wait_for_end_of(pid: int) -> None:
    """Return once the parent process `pid` has ended."""
    # PR_SET_PDEATHSIG would fire when the *thread* that started us ends, and the engine's threads come and go.
    if hasattr(os, "pidfd_open"):
        try:
            descriptor = os.pidfd_open(pid)
        except ProcessLookupError:
            return
        if os.getppid() == pid:
            select.select([descriptor], [], [])
        os.close(descriptor)
        return
    while os.getppid() == pid:
        time.sleep(0.5)


def serve(register: Callable[[grpc.Server], None], at_end: Callable[[], None] = lambda: None) -> None:
    """Serve what `register` adds until the engine ends or stops us. Prints the port."""
    server = grpc.server(
        futures.ThreadPoolExecutor(WORKERS),
        options=[
            ("grpc.max_receive_message_length", LARGEST_MESSAGE),
            ("grpc.max_send_message_length", LARGEST_MESSAGE),
        ],
    )
    register(server)
    port = server.add_insecure_port("127.0.0.1:0")
    server.start()
    print(port, flush=True)
    end_with_parent(at_end)
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: server.stop(None))
    server.wait_for_termination()
    at_end()
    os._exit(0)  # a handler still waiting for something must not keep the process alive
