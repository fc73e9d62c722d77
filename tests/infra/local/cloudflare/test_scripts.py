"""Scripts, bindings and routes: what answers on the Workers' port is what was deployed."""

import stat

import pytest

from tests.infra.local.cloudflare.conftest import Cloudflare

pytestmark = pytest.mark.asyncio(loop_scope="session")

SCRIPTS = "/accounts/a/workers/scripts"
SECRET = "a-secret-text-0123456789"
ECHO = """export default {
  async fetch(request, env) {
    const key = new URL(request.url).searchParams.get("key");
    return Response.json({ version: env.VERSION, secret: env.SECRET, value: key && await env.KEYS.get(key) });
  },
};"""


def greeting(text: str) -> str:
    return f"export default {{ fetch() {{ return new Response({text!r}) }} }}"


async def test_nothing_answers_before_a_route_leads_to_a_script(cloudflare: Cloudflare) -> None:
    assert (await cloudflare.visit())[0] == 404
    await cloudflare.upload("edge", greeting("hello"))
    status, text = await cloudflare.visit()
    assert status == 404
    assert "no route" in text


async def test_a_deployed_script_answers_with_its_bindings(cloudflare: Cloudflare) -> None:
    namespace = await cloudflare.namespace("keys")
    bindings = [
        {"name": "KEYS", "type": "kv_namespace", "namespace_id": namespace},
        {"name": "SECRET", "type": "secret_text", "text": SECRET},
        {"name": "VERSION", "type": "json", "json": "[1, 2]"},
    ]
    await cloudflare.upload("edge", ECHO, bindings=bindings)
    await cloudflare.route("api.example.test/*", "edge")
    values = f"/accounts/a/storage/kv/namespaces/{namespace}/values"
    await cloudflare.call("PUT", f"{values}/acme%2Fhelper", data=b"here")
    status, text = await cloudflare.visit("/x?key=acme/helper")
    assert (status, text) == (200, f'{{"version":[1,2],"secret":"{SECRET}","value":"here"}}')


async def test_a_new_upload_replaces_the_running_script(cloudflare: Cloudflare) -> None:
    first = await cloudflare.upload("edge", greeting("one"))
    await cloudflare.route("api.example.test/*", "edge")
    assert await cloudflare.visit() == (200, "one")
    second = await cloudflare.upload("edge", greeting("two"))
    assert await cloudflare.visit() == (200, "two")
    assert first["etag"] != second["etag"]
    assert first["created_on"] == second["created_on"]
    assert (await cloudflare.raw("GET", f"{SCRIPTS}/edge"))[1].decode() == greeting("two")


async def test_after_the_delete_nothing_answers(cloudflare: Cloudflare) -> None:
    await cloudflare.upload("edge", greeting("one"))
    route = await cloudflare.route("api.example.test/*", "edge")
    await cloudflare.call("DELETE", f"{SCRIPTS}/edge")
    assert (await cloudflare.visit())[0] == 404
    await cloudflare.call("DELETE", f"/zones/z/workers/routes/{route['id']}")
    assert await cloudflare.call("GET", "/zones/z/workers/routes") == []
    assert "edge" in await cloudflare.call("DELETE", f"{SCRIPTS}/edge", 404)


async def test_hosts_and_paths_lead_to_their_scripts(cloudflare: Cloudflare) -> None:
    await cloudflare.upload("one", greeting("one"))
    await cloudflare.upload("two", greeting("two"))
    await cloudflare.route("api.example.test/v1/*", "one")
    assert await cloudflare.visit("/v1/chat") == (200, "one")  # one host has routes: this machine's means it
    assert (await cloudflare.visit("/other"))[0] == 404
    await cloudflare.route("www.example.test/*", "two")
    assert await cloudflare.visit("/v1/chat", host="api.example.test") == (200, "one")
    assert await cloudflare.visit("/v1/chat", host="www.example.test") == (200, "two")
    assert (await cloudflare.visit("/", host="else.example.test"))[0] == 404
    assert (await cloudflare.visit("/v1/chat"))[0] == 404  # which of the two hosts would it be?


async def test_a_route_without_a_script_keeps_workers_off_its_path(cloudflare: Cloudflare) -> None:
    await cloudflare.upload("one", greeting("one"))
    await cloudflare.route("api.example.test/*", "one")
    off = await cloudflare.route("api.example.test/off*", "")
    assert (await cloudflare.visit("/off/1"))[0] == 404
    assert await cloudflare.visit("/on") == (200, "one")
    path = f"/zones/z/workers/routes/{off['id']}"
    await cloudflare.call("PUT", path, json={"pattern": "api.example.test/off*", "script": "one"})
    assert await cloudflare.visit("/off/1") == (200, "one")


async def test_a_script_that_does_not_start_is_refused_and_the_old_one_stays(cloudflare: Cloudflare) -> None:
    await cloudflare.upload("edge", greeting("one"))
    await cloudflare.route("api.example.test/*", "edge")
    error = await cloudflare.upload("edge", "export default {", status=400)
    assert "SyntaxError" in error
    assert await cloudflare.visit() == (200, "one")
    assert (await cloudflare.raw("GET", f"{SCRIPTS}/edge"))[1].decode() == greeting("one")


async def test_secrets_are_never_shown_and_lie_in_a_private_file(cloudflare: Cloudflare) -> None:
    await cloudflare.upload("edge", ECHO, bindings=[{"name": "SECRET", "type": "secret_text", "text": SECRET}])
    for path in (SCRIPTS, f"{SCRIPTS}/edge", f"{SCRIPTS}/edge/settings"):
        assert SECRET not in (await cloudflare.raw("GET", path))[1].decode()
    settings = await cloudflare.call("GET", f"{SCRIPTS}/edge/settings")
    assert settings["bindings"] == [{"name": "SECRET", "type": "secret_text"}]
    file = cloudflare.cloud.store.file
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert stat.S_IMODE(file.parent.stat().st_mode) == 0o700


async def test_bindings_that_cannot_be_made_are_named(cloudflare: Cloudflare) -> None:
    wrong = {
        "r2_bucket": {"name": "B", "type": "r2_bucket", "bucket_name": "x"},
        "no KV namespace nope": {"name": "B", "type": "kv_namespace", "namespace_id": "nope"},
        "needs text": {"name": "B", "type": "secret_text"},
        "has no part": {"name": "B", "type": "plain_text", "text": "x", "part": "y"},
        "not-a-name": {"name": "not-a-name", "type": "plain_text", "text": "x"},
        "JSON": {"name": "B", "type": "json", "json": "{"},
    }
    for word, binding in wrong.items():
        assert word in await cloudflare.upload("edge", ECHO, status=400, bindings=[binding])
    twice = [{"name": "B", "type": "plain_text", "text": "x"}] * 2
    assert "twice" in await cloudflare.upload("edge", ECHO, status=400, bindings=twice)
    assert await cloudflare.call("GET", SCRIPTS) == []


async def test_uploads_that_make_no_sense_are_refused(cloudflare: Cloudflare) -> None:
    assert "main_module" in await cloudflare.upload("edge", ECHO, status=400, main_module="other.js")
    assert "compatibility_date" in await cloudflare.upload("edge", ECHO, status=400, compatibility_date="today")
    assert "placement" in await cloudflare.upload("edge", ECHO, status=400, placement={"mode": "smart"})
    assert "script name" in await cloudflare.upload("Edge", ECHO, status=400)
    assert "multipart" in await cloudflare.call("PUT", f"{SCRIPTS}/edge", 400, json={})


async def test_a_worker_reaches_loopback_and_nothing_else(cloudflare: Cloudflare) -> None:
    fetcher = """export default { async fetch(request) {
      const url = new URL(request.url).searchParams.get("url");
      try { return await fetch(url) } catch (error) { return new Response(String(error), {status: 502}) } } }"""
    await cloudflare.upload("edge", fetcher)
    await cloudflare.route("api.example.test/*", "edge")
    health = cloudflare.server.make_url("/healthz")
    assert await cloudflare.visit(f"/?url={health}") == (200, '{"status": "ok"}')
    status, text = await cloudflare.visit("/?url=http://192.0.2.1/")
    assert status in (500, 502)
    assert "allow" in text.lower() or "internal error" in text


async def test_dns_records_are_checked_and_kept(cloudflare: Cloudflare) -> None:
    path = "/zones/z/dns_records"
    record = {"name": "api.example.test", "type": "AAAA", "content": "100::", "proxied": True, "ttl": 1}
    made = await cloudflare.call("POST", path, json=record)
    assert record.items() <= (await cloudflare.call("GET", f"{path}/{made['id']}")).items()
    assert "already" in await cloudflare.call("POST", path, 409, json=record)
    wrong: dict[str, dict[str, object]] = {
        "content": {"content": "10.0.0.1"},
        "type": {"type": "LOC"},
        "ttl": {"ttl": 5},
    }
    for field, value in wrong.items():
        assert field in await cloudflare.call("PUT", f"{path}/{made['id']}", 400, json={**record, **value})
    await cloudflare.call("DELETE", f"{path}/{made['id']}")
    assert await cloudflare.call("GET", path) == []


async def test_routes_are_checked(cloudflare: Cloudflare) -> None:
    await cloudflare.upload("edge", ECHO)
    assert "nope" in await cloudflare.route("api.example.test/*", "nope", 400)
    for pattern in ("api.example.test", "https://api.example.test/*", "api.*.test/*", "a.test/x?y"):
        assert "pattern" in await cloudflare.route(pattern, "edge", 400)
    await cloudflare.route("api.example.test/*", "edge")
    assert "already" in await cloudflare.route("api.example.test/*", "edge", 409)


async def test_an_owner_mark_is_kept_with_what_was_created(cloudflare: Cloudflare) -> None:
    path = "/accounts/a/storage/kv/namespaces"
    made = await cloudflare.call("POST", path, json={"title": "t"}, headers={"Moltghost-Owner": "me"})
    assert made["moltghost_owner"] == "me"
    assert (await cloudflare.call("GET", path))[0]["moltghost_owner"] == "me"
