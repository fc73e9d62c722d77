"""The Node process that runs workerd, and the requests it takes."""

import asyncio
import base64
import contextlib
import glob
import itertools
import json
import os
import shutil
import signal
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from infra.local.cloudflare.errors import invalid
from infra.local.cloudflare.runtime_options import worker_name
from infra.local.node import node_program

HOST_SCRIPT = Path(__file__).with_name("host.mjs")
EDGE_PACKAGE = Path(__file__).resolve().parents[3] / "workers" / "edge" / "package.json"
START_TIMEOUT = 60.0
"""Seconds the runtime has to start or change."""
LONGEST_LINE = 64 * 1024 * 1024
"""Bytes of one answer: the largest KV value, in base64, and more."""
GRACE = 5.0


class WorkerHostError(Exception):
    """The process can't be started, or has ended."""


class WorkerHost:
    """Serves Workers on 127.0.0.1:`port`; KV values and what Durable Objects keep lie in `folder`."""

    def __init__(self, folder: Path, port: int) -> None:
        self.folder, self.port = folder, port
        self.ended = asyncio.Event()
        self._process: asyncio.subprocess.Process | None = None
        self._numbers = itertools.count()
        self._waiting: dict[int, asyncio.Future[Any]] = {}
        self._reader: asyncio.Task[None] | None = None

    async def start(self) -> None:
        """Start the process, without any Worker yet. Raises `WorkerHostError`."""
        if not (EDGE_PACKAGE.parent / "node_modules" / "miniflare").exists():
            raise WorkerHostError(f"{EDGE_PACKAGE.parent} lacks its packages: run `npm ci` there")
        for kept in (self.folder / "kv", self._objects):
            kept.mkdir(parents=True, exist_ok=True, mode=0o700)
        self._process = await asyncio.create_subprocess_exec(
            node_program(),
            HOST_SCRIPT,
            EDGE_PACKAGE,
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            env={**os.environ, "TMPDIR": str(self._temporary())},
            limit=LONGEST_LINE,
            start_new_session=True,  # so that workerd can be ended with it, whatever ended it
        )
        self._reader = asyncio.create_task(self._read(self._process))

    async def close(self) -> None:
        """End the process, and workerd with it."""
        if self._process is None or self._process.stdin is None:
            return
        self._process.stdin.close()
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self._process.wait(), GRACE)
        _kill_group(self._process.pid)
        if self._reader is not None:
            await self._reader

    async def apply(self, options: Mapping[str, Any]) -> None:
        """Run the Workers of `options`. Raises `ApiError` where one doesn't start; those that ran go on then."""
        shared = {
            "host": "127.0.0.1",
            "port": 0,  # clients come through the front, which `listen` opens
            "cf": False,
            "telemetry": {"enabled": False},
            "kvPersist": str(self.folder / "kv"),
            "durableObjectsPersist": str(self._objects),
        }
        await self._ask("apply", options={**shared, **options})

    async def listen(self) -> None:
        """Open the port clients connect to. Raises `ApiError` where it is taken."""
        await self._ask("listen", port=self.port)

    async def put(self, namespace: str, key: str, value: bytes) -> None:
        """Write a KV value."""
        await self._ask("kvPut", namespace=namespace, key=key, value=base64.b64encode(value).decode())

    async def get(self, namespace: str, key: str) -> bytes | None:
        """A KV value, None where there is none."""
        value = await self._ask("kvGet", namespace=namespace, key=key)
        return None if value is None else base64.b64decode(value)

    async def delete(self, namespace: str, key: str) -> None:
        """Remove a KV value; nothing happens where there is none."""
        await self._ask("kvDelete", namespace=namespace, key=key)

    async def keys(self, namespace: str, **query: Any) -> dict[str, Any]:
        """One page of a namespace's keys: `keys` and `cursor`, empty at the end."""
        page: dict[str, Any] = await self._ask("kvList", namespace=namespace, **query)
        return page

    async def clear(self, namespace: str) -> None:
        """Remove every value of a namespace."""
        while names := [key["name"] for key in (await self.keys(namespace))["keys"]]:
            for name in names:
                await self.delete(namespace, name)

    def forget_objects(self, script: str) -> None:
        """Remove what the Durable Objects of a script that no longer runs have kept."""
        for folder in self._objects.glob(f"{glob.escape(worker_name(script))}-*"):
            shutil.rmtree(folder)

    @property
    def _objects(self) -> Path:
        return self.folder / "objects"

    def _temporary(self) -> Path:
        """An empty folder for the process's temporary files: one that was killed leaves them."""
        folder = self.folder / "tmp"
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(mode=0o700)
        return folder

    async def _ask(self, operation: str, **request: Any) -> Any:
        if self._process is None or self._process.stdin is None or self.ended.is_set():
            raise WorkerHostError("the Worker host has ended")
        number = next(self._numbers)
        answer = self._waiting[number] = asyncio.get_running_loop().create_future()
        try:
            line = json.dumps({"id": number, "operation": operation, **request})
            self._process.stdin.write(line.encode() + b"\n")
            await self._process.stdin.drain()
            return await asyncio.wait_for(answer, START_TIMEOUT)
        finally:
            del self._waiting[number]

    async def _read(self, process: asyncio.subprocess.Process) -> None:
        """Hand answers to those who wait for them, until the process ends."""
        if process.stdout is None:
            raise ValueError("the process has no piped output")
        while line := await process.stdout.readline():
            answer = json.loads(line)
            waiting = self._waiting.get(answer["id"])
            if waiting is None or waiting.done():
                continue
            if "error" in answer:
                waiting.set_exception(invalid(answer["error"]))
            else:
                waiting.set_result(answer["result"])
        await process.wait()
        _kill_group(process.pid)
        self.ended.set()
        for waiting in self._waiting.values():
            if not waiting.done():
                waiting.set_exception(WorkerHostError("the Worker host has ended"))


def _kill_group(leader: int) -> None:
    with contextlib.suppress(ProcessLookupError):
        os.killpg(leader, signal.SIGKILL)
