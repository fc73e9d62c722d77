"""The edge's own Worker with the limits as they are declared: they hold, also over a restart of what runs it."""

import json
import subprocess
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest

from components.edge.manifests import build_limit_bindings
from components.edge.migrations import build_migrations
from components.edge.tenant_edge_manifests import build_records
from infra.local.cloudflare.worker_host import EDGE_PACKAGE
from infra.local.node import node_program
from runtime.contract import edge, paths
from tests.components.specs import EDGE, TENANT_EDGE
from tests.infra.local.cloudflare.conftest import Cloudflare

KEY = edge.new_api_key("acme")
PEPPER = "a pepper of the test's own"


async def deploy(cloudflare: Cloudflare, script: str, limit: int) -> None:
    """Declare what the component declares, for one tenant with one key: so many requests in a minute."""
    key = TENANT_EDGE.api_keys[0].model_copy(update={"hash": edge.hash_api_key(PEPPER, KEY)})
    limits = TENANT_EDGE.limits.model_copy(update={"per_minute": limit, "burst": limit})
    # No routes: the list of agents that is asked for is empty, whatever is let through.
    records = build_records(TENANT_EDGE.model_copy(update={"api_keys": (key,), "limits": limits, "routes": ()}))
    bindings: list[dict[str, Any]] = [
        {"name": edge.SECRET_PEPPER, "type": "secret_text", "text": PEPPER},
        {"name": edge.SECRET_SIGNING_KEY, "type": "secret_text", "text": "{}"},
        *build_limit_bindings(EDGE),
    ]
    for name, each in records.items():
        namespace = await cloudflare.namespace(name)
        bindings.append({"name": name, "type": "kv_namespace", "namespace_id": namespace})
        for record in each:
            path = f"/accounts/a/storage/kv/namespaces/{namespace}/values/{quote(record.key, safe='')}"
            await cloudflare.call("PUT", path, data=record.value.encode())
    ((_, migration),) = build_migrations()
    flags = list(edge.COMPATIBILITY_FLAGS)
    await cloudflare.upload(
        "edge",
        script,
        bindings=bindings,
        migrations=migration,
        compatibility_date=edge.COMPATIBILITY_DATE,
        compatibility_flags=flags,
    )
    await cloudflare.route("api.example.com/*", "edge")


async def models(cloudflare: Cloudflare) -> tuple[int, str | None]:
    """Ask for the key's agents: the status, and how many requests are left in this minute."""
    url = f"http://127.0.0.1:{cloudflare.cloud.host.port}{paths.MODELS}"
    async with cloudflare.session.get(url, headers={"Authorization": f"Bearer {KEY}"}) as answer:
        assert json.loads(await answer.read())
        return answer.status, answer.headers.get("ratelimit-remaining")


@pytest.fixture(scope="module")
def script() -> str:
    """The Worker as it is deployed."""
    subprocess.run([node_program(), "build.mjs"], cwd=EDGE_PACKAGE.parent, check=True)
    return (EDGE_PACKAGE.parent / "dist" / "index.js").read_text()


async def test_the_limits_that_are_declared_hold_over_a_restart(script: str, tmp_path: Path) -> None:
    first = Cloudflare(tmp_path / "cloudflare")
    await first.start()
    await deploy(first, script, limit=4)
    assert [await models(first) for _ in range(3)] == [(200, "3"), (200, "2"), (200, "1")]
    await first.close()
    second = Cloudflare(tmp_path / "cloudflare")
    await second.start()
    assert [await models(second) for _ in range(2)] == [(200, "0"), (429, "0")]
    await second.close()
