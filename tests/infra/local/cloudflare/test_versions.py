"""Versions and deployments: each request is answered by a version that answers, as often as it is to."""

import base64
from collections import Counter
from typing import Any

import pytest

from infra.local.cloudflare.deployments import KEPT
from infra.local.cloudflare.protocol import MODULE
from tests.infra.local.cloudflare.conftest import DATE, Cloudflare

pytestmark = pytest.mark.asyncio(loop_scope="session")

VERSIONS = "/accounts/a/workers/workers/edge/versions"
DEPLOYMENTS = "/accounts/a/workers/scripts/edge/deployments"
SECRET = "a-secret-text-0123456789"
COUNTER = """import { DurableObject } from "cloudflare:workers";
export class Counter extends DurableObject {
  async next() { const n = 1 + (await this.ctx.storage.get("n") ?? 0); await this.ctx.storage.put("n", n); return n; }
}
export default { async fetch(request, env) {
  return Response.json(["VERSION", env.SECRET.length, await env.COUNTER.getByName("one").next()]);
} };"""
BINDINGS = [
    {"name": "SECRET", "type": "secret_text", "text": SECRET},
    {"name": "COUNTER", "type": "durable_object_namespace", "class_name": "Counter"},
]
REQUESTS = 60


def version(text: str, inherits_from: str, **departs: Any) -> dict[str, Any]:
    encoded = base64.b64encode(text.encode()).decode()
    inherited = [{"name": one["name"], "type": "inherit", "version_id": inherits_from} for one in BINDINGS]
    return {
        "main_module": "index.js",
        "modules": [{"name": "index.js", "content_type": MODULE, "content_base64": encoded}],
        "compatibility_date": DATE,
        "bindings": inherited,
        **departs,
    }


async def running(cloudflare: Cloudflare) -> str:
    """The id of the version that an upload made."""
    migration = {"new_tag": "v1", "new_sqlite_classes": ["Counter"]}
    await cloudflare.upload("edge", COUNTER.replace("VERSION", "old"), bindings=BINDINGS, migrations=migration)
    await cloudflare.route("api.example.test/*", "edge")
    (made,) = await cloudflare.call("GET", VERSIONS)
    return str(made["id"])


async def tried(cloudflare: Cloudflare, stable: str) -> str:
    """The id of a new version that answers nothing yet."""
    new = version(COUNTER.replace("VERSION", "new"), stable)
    return str((await cloudflare.call("POST", f"{VERSIONS}?deploy=false", json=new))["id"])


async def deploy(cloudflare: Cloudflare, status: int = 200, **shares: int) -> Any:
    versions = [{"version_id": one, "percentage": percent} for one, percent in shares.items()]
    return await cloudflare.call("POST", DEPLOYMENTS, status, json={"strategy": "percentage", "versions": versions})


async def answers(cloudflare: Cloudflare) -> tuple[Counter[str], list[int]]:
    """How often each version answered, and what they counted together."""
    said = [(await cloudflare.session.get(f"http://127.0.0.1:{cloudflare.cloud.host.port}/")) for _ in range(REQUESTS)]
    bodies = [await one.json() for one in said]
    assert {length for _, length, _ in bodies} == {len(SECRET)}
    return Counter(name for name, _, _ in bodies), [count for _, _, count in bodies]


async def test_a_version_answers_nothing_before_it_is_deployed_and_then_its_share_with_the_same_objects(
    cloudflare: Cloudflare,
) -> None:
    stable = await running(cloudflare)
    new = await tried(cloudflare, stable)
    first, counted = await answers(cloudflare)
    assert first == {"old": REQUESTS}
    await deploy(cloudflare, **{stable: 50, new: 50})
    both, more = await answers(cloudflare)
    # Fewer than 10 or more than 50 of 60 at a half each: once in ten million runs.
    assert 10 <= both["new"] <= 50
    assert [*counted, *more] == list(range(1, 2 * REQUESTS + 1))
    await deploy(cloudflare, **{new: 100})
    assert (await answers(cloudflare))[0] == {"new": REQUESTS}


async def test_an_upload_answers_everything_again(cloudflare: Cloudflare) -> None:
    stable = await running(cloudflare)
    await deploy(cloudflare, **{stable: 90, await tried(cloudflare, stable): 10})
    await cloudflare.upload("edge", COUNTER.replace("VERSION", "next"), bindings=BINDINGS)
    assert (await answers(cloudflare))[0] == {"next": REQUESTS}
    assert len((await cloudflare.call("GET", DEPLOYMENTS))["deployments"]) == 3


async def test_what_answers_is_kept_and_cannot_be_deleted(cloudflare: Cloudflare) -> None:
    stable = await running(cloudflare)
    latest = (await cloudflare.call("GET", DEPLOYMENTS))["deployments"][0]
    assert "is deployed" in await cloudflare.call("DELETE", f"{VERSIONS}/{stable}", 400)
    assert "cannot be deleted" in await cloudflare.call("DELETE", f"{DEPLOYMENTS}/{latest['id']}", 400)
    for _ in range(KEPT + 2):
        new = await tried(cloudflare, stable)
    kept = [one["id"] for one in await cloudflare.call("GET", VERSIONS)]
    assert (kept[0], kept[-1], len(kept)) == (new, stable, KEPT + 2)
    await cloudflare.call("DELETE", f"{VERSIONS}/{new}")
    assert new not in [one["id"] for one in await cloudflare.call("GET", VERSIONS)]


async def test_no_secret_is_shown_and_nothing_is_inherited_that_is_not_there(cloudflare: Cloudflare) -> None:
    stable = await running(cloudflare)
    assert SECRET not in (await cloudflare.raw("GET", f"{VERSIONS}/{stable}?include=modules"))[1].decode()
    missing = [{"name": "KEYS", "type": "inherit", "version_id": stable}]
    wrong = version(COUNTER, stable, bindings=missing)
    said = await cloudflare.call("POST", f"{VERSIONS}?deploy=false", 400, json=wrong)
    assert "bindings.KEYS" in said


@pytest.mark.parametrize("percents", [(50, 40), (100, 1), (0, 100)])
async def test_percentages_must_add_up(cloudflare: Cloudflare, percents: tuple[int, int]) -> None:
    stable = await running(cloudflare)
    new = await tried(cloudflare, stable)
    assert "percentage" in await deploy(cloudflare, 400, **dict(zip((stable, new), percents, strict=True)))


async def test_a_version_that_is_not_there_cannot_answer(cloudflare: Cloudflare) -> None:
    stable = await running(cloudflare)
    assert "version" in await deploy(cloudflare, 404, **{stable: 90, "00000000-0000-4000-8000-000000000009": 10})
