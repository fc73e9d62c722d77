"""A Kubernetes API server that knows nothing but Sandboxes, and does what a test tells it to."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from aiohttp import web
from kubernetes_asyncio import client

from runtime.gateway.sandboxes import Sandbox
from tests.runtime.serving import LOOPBACK, port_of


class FakeApi:
    """`sandboxes` is what a list gives, in pages of one; `send`, `end_watch` and `expire` speak in the open watch."""

    def __init__(self) -> None:
        self.sandboxes: list[Sandbox] = []
        self.version = 100
        self.lists = 0
        self.failures: list[int] = []
        """Statuses the next requests fail with."""
        self.watched_from: asyncio.Queue[str] = asyncio.Queue()
        """The version each watch asked for, as it is opened."""
        self._lines: asyncio.Queue[bytes | None] = asyncio.Queue()

    def send(self, kind: str, sandbox: Sandbox) -> None:
        self._lines.put_nowait(json.dumps({"type": kind, "object": sandbox}).encode() + b"\n")

    def send_raw(self, line: bytes) -> None:
        self._lines.put_nowait(line)

    def end_watch(self) -> None:
        """As a server does when the time of a watch is up."""
        self._lines.put_nowait(None)

    def expire(self) -> None:
        """As a server does when it no longer knows the version a watch is at."""
        status: dict[str, Any] = {"kind": "Status", "code": 410, "reason": "Expired", "message": "too old"}
        self._lines.put_nowait(json.dumps({"type": "ERROR", "object": status}).encode() + b"\n")

    async def handle(self, request: web.Request) -> web.StreamResponse:
        if self.failures:
            code = self.failures.pop(0)
            return web.json_response({"kind": "Status", "code": code, "reason": "X", "message": "no"}, status=code)
        return await self._watch(request) if request.query.get("watch") else self._list(request)

    def _list(self, request: web.Request) -> web.Response:
        self.lists += 1
        at = int(request.query.get("continue", "0"))
        more = {"continue": str(at + 1)} if at + 1 < len(self.sandboxes) else {}
        metadata = {"resourceVersion": str(self.version), **more}
        return web.json_response({"items": self.sandboxes[at : at + 1], "metadata": metadata})

    async def _watch(self, request: web.Request) -> web.StreamResponse:
        self.watched_from.put_nowait(request.query["resourceVersion"])
        out = web.StreamResponse(headers={"Content-Type": "application/json"})
        await out.prepare(request)
        while (line := await self._lines.get()) is not None:
            await out.write(line)
        return out


@asynccontextmanager
async def serve(api: FakeApi) -> AsyncIterator[client.ApiClient]:
    """The server on loopback; yields a client of it."""
    app = web.Application()
    app.router.add_get("/apis/agents.x-k8s.io/v1beta1/sandboxes", api.handle)
    runner = web.AppRunner(app, handler_cancellation=True, access_log=None, shutdown_timeout=0.1)
    await runner.setup()
    await web.TCPSite(runner, LOOPBACK, 0).start()
    configuration = client.Configuration(host=f"http://{LOOPBACK}:{port_of(runner)}")
    try:
        async with client.ApiClient(configuration) as connected:
            yield connected
    finally:
        await runner.cleanup()
