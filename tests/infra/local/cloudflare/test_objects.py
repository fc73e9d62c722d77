"""Durable Objects and rate limits: made by migrations as Cloudflare makes them, kept over restarts."""

import json
from pathlib import Path
from typing import Any

import pytest

from infra.local.cloudflare.runtime_options import worker_name
from tests.infra.local.cloudflare.conftest import Cloudflare

pytestmark = pytest.mark.asyncio(loop_scope="session")

SCRIPTS = "/accounts/a/workers/scripts"
COUNTER = """import { DurableObject } from "cloudflare:workers";
export class Counter extends DurableObject {
  constructor(state, env) {
    super(state, env);
    state.storage.sql.exec("CREATE TABLE IF NOT EXISTS counts (n INTEGER)");
  }
  next() {
    this.ctx.storage.sql.exec("INSERT INTO counts VALUES (1)");
    return this.ctx.storage.sql.exec("SELECT count(*) AS n FROM counts").one().n;
  }
}
export default {
  async fetch(request, env) {
    return Response.json(await env.COUNTER.getByName(new URL(request.url).pathname).next());
  },
};"""
MIGRATION = {"new_tag": "v1", "new_sqlite_classes": ["Counter"]}
BINDING = {"name": "COUNTER", "type": "durable_object_namespace", "class_name": "Counter"}


async def deploy(cloudflare: Cloudflare, **metadata: Any) -> Any:
    given = {"bindings": [BINDING], "migrations": MIGRATION, **metadata}
    return await cloudflare.upload("edge", COUNTER, **given)


async def test_objects_keep_what_they_wrote_over_uploads_and_restarts(tmp_path: Path) -> None:
    folder = tmp_path / "cloudflare"
    first = Cloudflare(folder)
    await first.start()
    assert (await deploy(first))["migration_tag"] == "v1"
    await first.route("api.example.test/*", "edge")
    assert [await first.visit("/a"), await first.visit("/a"), await first.visit("/b")] == [
        (200, "1"),
        (200, "2"),
        (200, "1"),
    ]
    kept = await first.upload("edge", f"{COUNTER}// again", bindings=[BINDING])
    assert kept["migration_tag"] == "v1"
    assert await first.visit("/a") == (200, "3")
    await first.close()
    second = Cloudflare(folder)
    await second.start()
    assert await second.visit("/a") == (200, "4")
    await second.close()


async def test_objects_are_forgotten_with_their_script(cloudflare: Cloudflare) -> None:
    await deploy(cloudflare)
    await cloudflare.route("api.example.test/*", "edge")
    assert await cloudflare.visit("/a") == (200, "1")
    objects = cloudflare.cloud.host.folder / "objects"
    assert [folder.name for folder in objects.iterdir()] == [f"{worker_name('edge')}-Counter"]
    await cloudflare.call("DELETE", f"{SCRIPTS}/edge")
    assert list(objects.iterdir()) == []
    assert (await deploy(cloudflare))["migration_tag"] == "v1"
    assert await cloudflare.visit("/a") == (200, "1")


async def test_a_class_needs_a_migration(cloudflare: Cloudflare) -> None:
    error = await cloudflare.upload("edge", COUNTER, status=400, bindings=[BINDING])
    assert "class Counter is not configured to implement Durable Objects" in error
    other = {**MIGRATION, "new_sqlite_classes": ["Other"]}
    assert "class Counter" in await cloudflare.upload("edge", COUNTER, 400, bindings=[BINDING], migrations=other)
    assert await cloudflare.call("GET", SCRIPTS) == []


async def test_a_migration_is_applied_once_and_in_order(cloudflare: Cloudflare) -> None:
    await deploy(cloudflare)
    error = await cloudflare.upload("edge", COUNTER, status=412, bindings=[BINDING], migrations=MIGRATION)
    assert "got tag None when expected tag is 'v1'" in error
    wrong = {"old_tag": "v0", "new_tag": "v2", "new_sqlite_classes": ["More"]}
    assert "expected tag is 'v1'" in await cloudflare.upload("edge", COUNTER, status=412, migrations=wrong)
    twice = {"old_tag": "v1", "new_tag": "v2", "new_sqlite_classes": ["Counter"]}
    assert "Counter already" in await cloudflare.upload("edge", COUNTER, status=400, migrations=twice)
    more = f"{COUNTER}\nexport class More extends Counter {{}}"
    next_one = {"old_tag": "v1", "new_tag": "v2", "new_sqlite_classes": ["More"]}
    made = await cloudflare.upload("edge", more, bindings=[BINDING, {**BINDING, "name": "MORE"}], migrations=next_one)
    assert made["migration_tag"] == "v2"
    assert "migrations" not in await cloudflare.call("GET", f"{SCRIPTS}/edge/settings")


@pytest.mark.parametrize(
    ("migrations", "word"),
    [
        ([], "must be an object"),
        ({"new_sqlite_classes": ["Counter"]}, "new_tag"),
        ({**MIGRATION, "new_classes": ["Counter"]}, "new_classes not supported"),
        ({**MIGRATION, "new_sqlite_classes": "Counter"}, "list of names"),
        ({**MIGRATION, "new_sqlite_classes": ["not a name"]}, "list of names"),
    ],
)
async def test_migrations_that_make_no_sense_are_refused(cloudflare: Cloudflare, migrations: Any, word: str) -> None:
    assert word in await cloudflare.upload("edge", COUNTER, status=400, migrations=migrations)


WALL = {"name": "WALL", "type": "ratelimit", "namespace_id": "7", "simple": {"limit": 2, "period": 60}}
WALLED = """export default { async fetch(request, env) {
  const { success } = await env.WALL.limit({ key: new URL(request.url).pathname });
  return Response.json(success);
} };"""


async def test_a_rate_limit_counts_by_its_key(cloudflare: Cloudflare) -> None:
    await cloudflare.upload("edge", WALLED, bindings=[WALL])
    await cloudflare.route("api.example.test/*", "edge")
    assert [json.loads((await cloudflare.visit("/a"))[1]) for _ in range(3)] == [True, True, False]
    assert await cloudflare.visit("/b") == (200, "true")


@pytest.mark.parametrize(
    "wrong",
    [
        {"namespace_id": "seven"},
        {"namespace_id": "0"},
        {"simple": {"limit": 2, "period": 30}},
        {"simple": {"limit": 0, "period": 60}},
        {"simple": {"limit": 1.5, "period": 60}},
        {"simple": {"limit": 2, "period": 60, "mitigation_timeout": 60}},
        {"simple": "2"},
    ],
)
async def test_a_rate_limit_that_cannot_be_is_refused(cloudflare: Cloudflare, wrong: dict[str, Any]) -> None:
    assert "bindings.WALL" in await cloudflare.upload("edge", WALLED, status=400, bindings=[{**WALL, **wrong}])
