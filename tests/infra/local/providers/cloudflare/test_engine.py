"""The plugin under the real engine, and the Worker that answers for it."""

import shutil
import warnings
from collections.abc import Callable

import pytest

from infra.local.engine import EngineError
from tests.components.specs import ZONE
from tests.infra.local.providers.cloudflare.conftest import LocalCloudflare
from tests.infra.local.providers.conftest import Program
from tests.program.recording import record_declaring

PEPPER = "a-pepper-that-must-stay-secret"
SCRIPT = """export default { async fetch(request, env) {
  return Response.json([env.PEPPER.length, await env.KEYS.get("acme/helper")]) } }"""

PROGRAM = f"""
keys = resource("cloudflare:index/workersKvNamespace:WorkersKvNamespace", "keys", {{
    "accountId": "engine", "title": "keys"}})
resource("cloudflare:index/workersKv:WorkersKv", "helper", {{
    "accountId": "engine", "namespaceId": keys.id, "keyName": "acme/helper", "value": "VALUE"}})
script = resource("cloudflare:index/workersScript:WorkersScript", "edge", {{
    "accountId": "engine", "scriptName": "engine-edge", "mainModule": "index.js", "compatibilityDate": "2026-07-01",
    "content": {SCRIPT!r},
    "bindings": [
        {{"name": "KEYS", "type": "kv_namespace", "namespaceId": keys.id}},
        {{"name": "PEPPER", "type": "secret_text", "text": pulumi.Output.secret({PEPPER!r})}},
    ],
}}, outputs=["etag"])
resource("cloudflare:index/workersRoute:WorkersRoute", "to-edge", {{
    "zoneId": "engine", "pattern": "api.engine.test/*", "script": script.id}})
resource("cloudflare:index/dnsRecord:DnsRecord", "worker", {{
    "zoneId": "engine", "name": "api.engine.test", "type": "AAAA", "content": "100::", "proxied": True, "ttl": 1}})
pulumi.export("etag", script.etag)
"""

COLLECTIONS = (
    "/accounts/engine/storage/kv/namespaces",
    "/accounts/engine/workers/scripts",
    "/zones/engine/workers/routes",
    "/zones/engine/dns_records",
)


@pytest.fixture
def program(make_program: Callable[[str, dict[str, str]], Program], local: LocalCloudflare) -> Program:
    return make_program("cloudflare", {"baseUrl": local.api, "apiToken": "test"})


def test_a_worker_is_deployed_changed_mended_and_destroyed(program: Program, local: LocalCloudflare) -> None:
    program.up(PROGRAM)
    assert local.http.get(local.edge).json() == [len(PEPPER), "VALUE"]
    assert program.plan() == {}
    assert PEPPER not in program.state_text()

    program.up(PROGRAM.replace("VALUE", "OTHER"))
    assert local.http.get(local.edge).json() == [len(PEPPER), "OTHER"]

    route = local.result("/zones/engine/workers/routes")[0]["id"]
    wrong = {"pattern": "www.engine.test/*", "script": "engine-edge"}
    local.http.put(f"{local.api}/zones/engine/workers/routes/{route}", json=wrong).raise_for_status()
    local.http.delete(f"{local.api}/accounts/engine/workers/scripts/engine-edge").raise_for_status()
    program.engine.refresh()
    assert program.plan() == {"edge": ("create", set()), "to-edge": ("update", {"pattern", "script"})}
    program.up()
    assert local.http.get(local.edge).json() == [len(PEPPER), "OTHER"]

    program.engine.destroy()
    assert [local.result(path) for path in COLLECTIONS] == [[], [], [], []]
    assert local.http.get(local.edge).status_code == 404


def test_what_was_made_but_not_recorded_is_adopted(program: Program, local: LocalCloudflare) -> None:
    backend = program.folder / "state" / "pulumi"
    before = backend.with_name("before")
    shutil.copytree(backend, before)
    program.up(PROGRAM)
    made = [local.result(path) for path in COLLECTIONS]
    shutil.rmtree(backend)
    before.rename(backend)  # as if the engine had been killed before it could record anything

    program.up()
    again = [local.result(path) for path in COLLECTIONS]
    assert [[one["id"] for one in records] for records in again] == [[one["id"] for one in records] for records in made]
    program.engine.destroy()
    assert [local.result(path) for path in COLLECTIONS] == [[], [], [], []]


def zone_program() -> str:
    """The zone as the component declares it, resource for resource."""

    def declare() -> None:
        with warnings.catch_warnings():
            # The SDK warns of its own deprecated classes while it is loaded, used or not.
            warnings.filterwarnings("ignore", ".* has been deprecated in favor of", DeprecationWarning)
            import pulumi_cloudflare as cloudflare

            from components.edge.zone import Zone, ZoneArgs

        provider = cloudflare.Provider("cloudflare", api_token="test")
        Zone("zone", ZoneArgs(spec=ZONE, cloudflare=provider))

    declared = [each for each in record_declaring(declare).resources if each.type.startswith("cloudflare:")]
    return "\n".join(f"resource({each.type!r}, {each.name!r}, {each.inputs!r})" for each in declared)


def test_the_zone_shows_no_difference_in_a_second_preview_and_what_another_hand_changed_is_mended(
    program: Program, local: LocalCloudflare
) -> None:
    program.up(zone_program())
    assert program.plan() == {}
    program.engine.refresh()
    assert program.plan() == {}

    zone = f"/zones/{ZONE.zone_id}"
    custom = next(one for one in local.result(f"{zone}/rulesets") if one["phase"] == "http_request_firewall_custom")
    weaker = {name: custom[name] for name in ("name", "kind", "phase", "description")}
    change = local.http.put(f"{local.api}{zone}/rulesets/{custom['id']}", json={**weaker, "rules": custom["rules"][1:]})
    change.raise_for_status()
    local.http.patch(f"{local.api}{zone}/settings/min_tls_version", json={"value": "1.0"}).raise_for_status()
    program.engine.refresh()
    assert {name: operation for name, (operation, _) in program.plan().items()} == {
        "platform-sin-rules-custom": "update",
        "platform-sin-zone-min-tls-version": "update",
    }
    program.up()
    assert program.plan() == {}
    assert local.result(f"{zone}/settings/min_tls_version")["value"] == "1.3"
    program.engine.destroy()
    assert local.result(f"{zone}/rulesets") == []


def test_a_preview_names_what_it_cannot_make(program: Program) -> None:
    program.write('resource("cloudflare:index/zone:Zone", "zone", {"name": "one.test"})')
    with pytest.raises(EngineError, match="cloudflare:index/zone:Zone: the local cloudflare provider has no such"):
        program.engine.preview()
