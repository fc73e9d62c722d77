"""A local Cloudflare for the tests: the real API server, the real runtime."""

import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import aiohttp
import pytest
import pytest_asyncio
from aiohttp import test_utils

from infra.local.cloudflare.app import make_app
from infra.local.cloudflare.cloud import Cloud
from tests.loopback import free_port

DATE = "2026-07-01"


class Cloudflare:
    """A client of one local Cloudflare."""

    def __init__(self, folder: Path) -> None:
        self.cloud = Cloud(folder, free_port())
        self.server = test_utils.TestServer(make_app(self.cloud))
        self.session = aiohttp.ClientSession()

    async def start(self) -> None:
        await self.cloud.start()
        await self.server.start_server()

    async def close(self) -> None:
        await self.cloud.close()
        await self.session.close()
        await self.server.close()

    async def raw(self, method: str, path: str, **options: Any) -> tuple[int, bytes]:
        headers = {"Authorization": "Bearer t", **options.pop("headers", {})}
        url = f"{self.server.make_url('/client/v4')}{path}"
        async with self.session.request(method, url, headers=headers, **options) as answer:
            return answer.status, await answer.read()

    async def call(self, method: str, path: str, status: int = 200, **options: Any) -> Any:
        """The result, or the text of the error where `status` is not 200."""
        code, text = await self.raw(method, path, **options)
        answer = json.loads(text)
        assert code == status, answer
        assert answer["success"] == (status == 200)
        return answer["result"] if status == 200 else answer["errors"][0]["message"]

    async def namespace(self, title: str) -> str:
        made = await self.call("POST", "/accounts/a/storage/kv/namespaces", json={"title": title})
        return str(made["id"])

    async def upload(self, name: str, text: str, status: int = 200, **metadata: Any) -> Any:
        form = aiohttp.FormData()
        all_metadata = {"main_module": "index.js", "compatibility_date": DATE, **metadata}
        form.add_field("metadata", aiohttp.JsonPayload(all_metadata), content_type="application/json")
        form.add_field("index.js", text, content_type="application/javascript+module", filename="index.js")
        return await self.call("PUT", f"/accounts/a/workers/scripts/{name}", status, data=form)

    async def route(self, pattern: str, script: str, status: int = 200) -> Any:
        return await self.call("POST", "/zones/z/workers/routes", status, json={"pattern": pattern, "script": script})

    async def visit(self, path: str = "/", host: str = "") -> tuple[int, str]:
        """What the Workers answer."""
        headers = {"Host": host} if host else {}
        url = f"http://127.0.0.1:{self.cloud.host.port}{path}"
        async with self.session.get(url, headers=headers) as answer:
            return answer.status, await answer.text()


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def running(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Cloudflare]:
    """Fails, with the remedy in its text, where workers/edge lacks its packages."""
    started = Cloudflare(tmp_path_factory.mktemp("local") / "cloudflare")
    await started.start()
    yield started
    await started.close()


@pytest_asyncio.fixture(loop_scope="session")
async def cloudflare(running: Cloudflare) -> AsyncIterator[Cloudflare]:
    """A local Cloudflare in which nothing is declared."""
    yield running
    await running.cloud.change(lambda declared: declared.clear())
