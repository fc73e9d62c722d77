"""The firewall before the Workers: what its rules refuse never reaches one, the rest goes on as it came."""

import asyncio
from typing import Any

import pytest

from tests.infra.local.cloudflare.conftest import Cloudflare
from tests.infra.local.cloudflare.test_connections import SOON, Upstream, deploy_proxy, upstream
from tests.infra.local.cloudflare.test_scripts import greeting

__all__ = ["upstream"]

pytestmark = pytest.mark.asyncio(loop_scope="session")

CUSTOM, RATES = "http_request_firewall_custom", "http_ratelimit"
BLOCK = {"ref": "no-secrets", "action": "block", "expression": 'http.request.uri.path contains "/secret"'}
FAILURES = {
    "ref": "failures",
    "action": "block",
    "expression": 'http.host eq "api.example.test"',
    "ratelimit": {
        "characteristics": ["cf.colo.id", "ip.src"],
        "period": 60,
        "requests_per_period": 2,
        "mitigation_timeout": 60,
        "counting_expression": "http.response.code eq 401",
    },
}
ANSWERS_BY_PATH = """export default { fetch(request) {
  return new Response("said", { status: Number(new URL(request.url).pathname.slice(1)) }) } }"""

SAYS_WHAT_CAME = """export default { async fetch(request) { return Response.json({
  method: request.method, url: request.url, cf: request.cf, body: await request.text(),
  headers: Object.fromEntries(request.headers) }) } }"""


async def rules(cloudflare: Cloudflare, phase: str, *all_rules: dict[str, Any], status: int = 200) -> Any:
    body = {"name": phase, "kind": "zone", "phase": phase, "rules": list(all_rules)}
    return await cloudflare.call("POST", "/zones/z/rulesets", status, json=body)


async def test_what_a_rule_refuses_never_reaches_the_worker(cloudflare: Cloudflare) -> None:
    await cloudflare.upload("edge", greeting("reached"))
    await cloudflare.route("api.example.test/*", "edge")
    made = await rules(cloudflare, CUSTOM, BLOCK)
    assert await cloudflare.visit("/open") == (200, "reached")
    assert await cloudflare.visit("/secret/1") == (403, "Blocked by a rule of the zone.\n")
    assert (await cloudflare.visit("/secret/1", host="api.example.test"))[0] == 403
    await cloudflare.call("DELETE", f"/zones/z/rulesets/{made['id']}")
    assert await cloudflare.visit("/secret/1") == (200, "reached")


async def test_what_goes_on_is_what_came(cloudflare: Cloudflare) -> None:
    await cloudflare.upload("edge", SAYS_WHAT_CAME)
    await cloudflare.route("api.example.test/*", "edge")
    url = f"http://127.0.0.1:{cloudflare.cloud.host.port}/v1/x?a=b%20c"

    async def came() -> Any:
        async with cloudflare.session.post(url, data=b"body", headers={"X-A": "1", "Cookie": "a=b"}) as answer:
            return await answer.json()

    without = await came()
    await rules(cloudflare, CUSTOM, BLOCK)
    await rules(cloudflare, RATES, FAILURES)
    assert await came() == without
    assert without["body"] == "body"


async def test_a_rule_answers_as_it_is_told_to_and_says_which_it_was(cloudflare: Cloudflare) -> None:
    await cloudflare.upload("edge", greeting("reached"))
    await cloudflare.route("api.example.test/*", "edge")
    told = {"status_code": 418, "content_type": "application/json", "content": '{"no":1}'}
    await rules(cloudflare, CUSTOM, {**BLOCK, "action_parameters": {"response": told}})
    url = f"http://127.0.0.1:{cloudflare.cloud.host.port}/secret"
    async with cloudflare.session.get(url) as answer:
        assert answer.status == 418
        assert answer.headers["moltghost-local-rule"] == "no-secrets"
        assert answer.content_type == "application/json"
        assert await answer.json() == {"no": 1}


@pytest.mark.parametrize("change", [{"enabled": False}, {"action": "log"}])
async def test_a_rule_that_is_off_or_only_logs_refuses_nothing(cloudflare: Cloudflare, change: dict[str, Any]) -> None:
    await cloudflare.upload("edge", greeting("reached"))
    await cloudflare.route("api.example.test/*", "edge")
    await rules(cloudflare, CUSTOM, {**BLOCK, **change})
    assert await cloudflare.visit("/secret") == (200, "reached")


async def test_another_zones_rules_are_not_asked(cloudflare: Cloudflare) -> None:
    await cloudflare.upload("edge", greeting("reached"))
    await cloudflare.route("api.example.test/*", "edge")
    body = {"name": "x", "kind": "zone", "phase": CUSTOM, "rules": [BLOCK]}
    await cloudflare.call("POST", "/zones/other/rulesets", json=body)
    assert await cloudflare.visit("/secret") == (200, "reached")


async def test_answers_are_counted_and_too_many_failures_are_a_pause(cloudflare: Cloudflare) -> None:
    await cloudflare.upload("edge", ANSWERS_BY_PATH)
    await cloudflare.route("api.example.test/*", "edge")
    await rules(cloudflare, RATES, FAILURES)
    said = [(await cloudflare.visit(path))[0] for path in ("/200", "/401", "/401", "/200", "/401", "/200")]
    assert said == [200, 401, 401, 200, 401, 403]


async def test_requests_are_counted_before_they_are_answered(cloudflare: Cloudflare) -> None:
    await cloudflare.upload("edge", ANSWERS_BY_PATH)
    await cloudflare.route("api.example.test/*", "edge")
    flood = {**FAILURES, "ratelimit": {**FAILURES["ratelimit"], "counting_expression": "true"}}  # type: ignore[dict-item]
    await rules(cloudflare, RATES, flood)
    assert [(await cloudflare.visit("/200"))[0] for _ in range(4)] == [200, 200, 403, 403]


@pytest.mark.parametrize("path", ["/silent", "/never"])
async def test_a_client_that_goes_is_missed_at_once_behind_the_firewall_too(
    cloudflare: Cloudflare, upstream: Upstream, path: str
) -> None:
    await deploy_proxy(cloudflare, upstream)
    await rules(cloudflare, CUSTOM, BLOCK)
    await rules(cloudflare, RATES, FAILURES)
    reader, writer = await asyncio.open_connection("127.0.0.1", cloudflare.cloud.host.port)
    writer.write(f"GET {path} HTTP/1.1\r\nHost: localhost\r\n\r\n".encode())
    await asyncio.wait_for(upstream.asked.wait(), 10)
    if path == "/silent":
        await reader.readuntil(b"one\n\n")  # each event before the next is spoken
    assert not upstream.gone.is_set()
    writer.close()
    await asyncio.wait_for(upstream.gone.wait(), SOON)


@pytest.mark.parametrize(
    ("phase", "rule", "message"),
    [
        (CUSTOM, {**BLOCK, "expression": 'http.hots eq "a"'}, r"rules[0].expression: at character 11"),
        (CUSTOM, {**BLOCK, "expression": "http.host eq 1"}, r"a text was expected"),
        (CUSTOM, {**BLOCK, "expression": "http.response.code eq 401"}, r"there is no field 'http.response.code'"),
        (CUSTOM, {**BLOCK, "action": "execute"}, r"rules[0].action: 'execute' is none of phase"),
        (CUSTOM, FAILURES, r"rules[0].ratelimit: is what every rule of phase http_ratelimit has, and no other"),
        (RATES, BLOCK, r"rules[0].ratelimit: is what every rule"),
        (RATES, {**FAILURES, "ratelimit": {"period": 60}}, r"rules[0].ratelimit: needs characteristics, mitigation"),
        (RATES, {**FAILURES, "ratelimit": {**FAILURES["ratelimit"], "period": 61}}, r"period: 61 is none of 10, 60"),  # type: ignore[dict-item]
        (
            RATES,
            {**FAILURES, "ratelimit": {**FAILURES["ratelimit"], "characteristics": ["ip.src"]}},  # type: ignore[dict-item]
            r"characteristics: only cf.colo.id and ip.src",
        ),
    ],
)
async def test_a_rule_that_says_nothing_is_refused_with_its_place(
    cloudflare: Cloudflare, phase: str, rule: dict[str, Any], message: str
) -> None:
    assert message in await rules(cloudflare, phase, rule, status=400)


async def test_two_rules_of_one_ref_are_refused(cloudflare: Cloudflare) -> None:
    assert "ref 'no-secrets' is given twice" in await rules(cloudflare, CUSTOM, BLOCK, BLOCK, status=400)
