"""Following objects: the whole set after each change, through lost connections and versions that are too old."""

import asyncio
import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from aiohttp import web

from infra.local import following
from infra.local.following import Objects, connect, follow

PATH = "/api/v1/things"


def thing(name: str, value: int = 0) -> dict[str, Any]:
    return {"metadata": {"name": name, "namespace": "n"}, "value": value}


class FakeApi:
    """Answers each list and each watch with the next of what it was given; the last watch stays open."""

    def __init__(self, lists: list[Any], watches: list[list[dict[str, Any]]]) -> None:
        self.lists, self.watches = lists, watches

    async def handle(self, request: web.Request) -> web.StreamResponse:
        if "watch" not in request.query:
            listed = self.lists.pop(0)
            if isinstance(listed, int):
                return web.Response(status=listed, text="not now")
            return web.json_response({"metadata": {"resourceVersion": "1"}, "items": listed})
        response = web.StreamResponse()
        await response.prepare(request)
        for event in self.watches.pop(0):
            line = json.dumps(event).encode() + b"\n"
            await response.write(line[:10])  # a line may come in pieces
            await response.write(line[10:])
        if not self.watches:
            await asyncio.Event().wait()
        return response


@pytest.fixture
async def served(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Any]:
    """Starts a fake API and yields the first so many sets that following it gives."""
    monkeypatch.setattr(following, "RETRY_S", 0)
    runners: list[web.AppRunner] = []

    async def sets(fake: FakeApi, count: int) -> list[dict[str, int]]:
        app = web.Application()
        app.router.add_get(PATH, fake.handle)
        runner = web.AppRunner(app, shutdown_timeout=0.1)
        runners.append(runner)
        await runner.setup()
        site = web.TCPSite(runner, "127.0.0.1", 0)
        await site.start()
        host, port = runner.addresses[0][:2]
        api = await connect(write_kubeconfig(tmp_path, f"http://{host}:{port}"))
        try:
            async with asyncio.timeout(10):
                return await first(count, follow(api, PATH))
        finally:
            await api.close()

    yield sets
    for runner in runners:
        await runner.cleanup()


async def first(count: int, stream: AsyncIterator[Objects]) -> list[dict[str, int]]:
    found = []
    async for objects in stream:
        found.append({key: item["value"] for key, item in objects.items()})
        if len(found) == count:
            break
    return found


def write_kubeconfig(folder: Path, server: str) -> Path:
    named = {"clusters": ("cluster", {"server": server}), "users": ("user", {})}
    config = {kind: [{"name": "x", key: value}] for kind, (key, value) in named.items()}
    config |= {"contexts": [{"name": "x", "context": {"cluster": "x", "user": "x"}}], "current-context": "x"}  # type: ignore[dict-item]
    path = folder / "kubeconfig"
    path.write_text(yaml.safe_dump({"apiVersion": "v1", "kind": "Config", **config}))
    return path


async def test_each_change_gives_the_whole_set(served: Any) -> None:
    events = [
        {"type": "ADDED", "object": thing("b")},
        {"type": "BOOKMARK", "object": {"metadata": {"resourceVersion": "9"}}},
        {"type": "MODIFIED", "object": thing("b", 1)},
        {"type": "DELETED", "object": thing("a")},
    ]
    assert await served(FakeApi([[thing("a")]], [events]), 4) == [
        {"n/a": 0},
        {"n/a": 0, "n/b": 0},
        {"n/a": 0, "n/b": 1},
        {"n/b": 1},
    ]


async def test_what_was_deleted_while_nobody_watched_is_gone(served: Any) -> None:
    fake = FakeApi([[thing("a"), thing("b")], [thing("b")]], [[], []])
    assert await served(fake, 2) == [{"n/a": 0, "n/b": 0}, {"n/b": 0}]


async def test_a_version_that_is_too_old_means_listing_again(served: Any) -> None:
    gone = {"type": "ERROR", "object": {"code": 410}}
    assert await served(FakeApi([[thing("a")], [thing("c")]], [[gone], []]), 2) == [{"n/a": 0}, {"n/c": 0}]


async def test_refusals_are_waited_out(served: Any, capsys: pytest.CaptureFixture[str]) -> None:
    assert await served(FakeApi([503, 403, [thing("a")]], [[]]), 1) == [{"n/a": 0}]
    assert "trying again" in capsys.readouterr().out
