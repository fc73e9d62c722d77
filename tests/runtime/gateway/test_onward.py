"""A request through the gateway: who gets through, what goes on, what comes back, what is logged."""

import json
import logging
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

import aiohttp
import pytest
from aiohttp import web
from yarl import URL

from runtime.contract import errors, headers, paths
from runtime.gateway.sandboxes import SandboxCache
from runtime.http.log import JsonFormatter
from tests.runtime.edge import Edge
from tests.runtime.serving import (
    BODY,
    EDGE,
    answer_to,
    error_code,
    gateway,
    must_not_be_reached,
    sandbox,
    say_ok,
    upstream,
)


async def test_a_chat_reaches_the_agent_of_its_token_and_the_answer_comes_back() -> None:
    async with answer_to(say_ok, {**EDGE.headers(), headers.REQUEST_ID: "r-42"}) as answer:
        assert answer.status == 200
        assert answer.headers[headers.REQUEST_ID] == "r-42"
        got = await answer.json()
    assert got["got"] == BODY.decode()
    assert got["headers"][headers.REQUEST_ID] == "r-42"
    assert got["headers"]["content-length"] == str(len(BODY))


async def test_only_what_the_agent_needs_goes_on() -> None:
    private = {
        "Cookie": "a=b",
        "Authorization": "Bearer mg_acme_key",
        "X-Forwarded-For": "198.51.100.7",
        "Connection": "close, x-hop",
        "X-Hop": "1",
        "TE": "trailers",
        "User-Agent": "curl",
        "Content-Type": "application/json",
    }
    async with answer_to(say_ok, {**EDGE.headers(), **private}) as answer:
        seen = set((await answer.json())["headers"])
    assert seen == {
        "host", "accept", "accept-encoding", "content-type", "content-length", headers.EDGE_TOKEN, headers.REQUEST_ID
    }  # fmt: skip


async def test_only_what_the_client_needs_comes_back() -> None:
    async def chatty(_: web.Request) -> web.Response:
        return web.json_response(
            {},
            headers={
                "Set-Cookie": "a=b", "X-Internal": "10.0.0.1", "Cache-Control": "no-cache",
                headers.RECEIPT: "ab" * 32, headers.USAGE: "12 5",
            },
        )  # fmt: skip

    async with answer_to(chatty) as answer:
        assert {name.lower() for name in answer.headers} == {
            "content-type", "content-length", "cache-control", "date", "server",
            headers.REQUEST_ID, headers.RECEIPT, headers.USAGE,
        }  # fmt: skip
        assert answer.headers[headers.RECEIPT] == "ab" * 32
        assert answer.headers[headers.USAGE] == "12 5"


@pytest.mark.parametrize(
    ("sign", "status", "code"),
    [
        (dict, 401, "invalid_edge_token"),
        (lambda: {headers.EDGE_TOKEN: "nonsense"}, 401, "invalid_edge_token"),
        (lambda: Edge("other").headers(), 401, "invalid_edge_token"),
        (lambda: EDGE.headers("acme", "stranger"), 404, "model_not_found"),
        (lambda: EDGE.headers("globex", "helper"), 404, "model_not_found"),
        (lambda: {**EDGE.headers(), "Content-Encoding": "gzip"}, 400, "invalid_request"),
    ],
)
async def test_who_may_not_is_told_why(sign: Callable[[], dict[str, str]], status: int, code: str) -> None:
    """Tokens are signed when the test runs: they would have expired since it was collected."""
    async with answer_to(must_not_be_reached, sign()) as answer:
        assert (answer.status, await error_code(answer)) == (status, code)
        assert answer.headers[headers.REQUEST_ID]


async def test_two_tokens_are_one_too_many() -> None:
    twice = [(headers.EDGE_TOKEN, EDGE.token()), (headers.EDGE_TOKEN, EDGE.token())]
    async with answer_to(must_not_be_reached, twice) as answer:
        assert answer.status == 401


async def test_an_agent_that_is_not_ready_is_worth_another_try() -> None:
    cache = SandboxCache()
    cache.put(sandbox(ready=False))
    async with answer_to(must_not_be_reached, cache=cache) as answer:
        assert (answer.status, await error_code(answer)) == (503, "agent_not_ready")
        assert int(answer.headers["Retry-After"]) > 0
        assert headers.NOT_PASSED_ON in answer.headers


async def test_an_agent_that_is_not_here_may_be_elsewhere() -> None:
    async with answer_to(must_not_be_reached, EDGE.headers("acme", "stranger")) as answer:
        assert answer.status == 404
        assert headers.NOT_PASSED_ON in answer.headers


async def test_what_an_agent_has_had_is_never_said_not_to_have_gone_on() -> None:
    async def refuse(_: web.Request) -> web.Response:
        return web.json_response({}, status=503, headers={headers.NOT_PASSED_ON: "1"})

    async def break_off(request: web.Request) -> web.Response:
        await request.read()
        assert request.transport is not None
        request.transport.abort()
        return web.Response()

    for agent in (refuse, break_off):
        async with answer_to(agent) as answer:
            assert answer.status in (502, 503)
            assert headers.NOT_PASSED_ON not in answer.headers


@asynccontextmanager
async def health(sent: dict[str, str], ready: bool = True) -> AsyncIterator[aiohttp.ClientResponse]:
    """A gateway's word on an agent, no port of which is open."""
    cache = SandboxCache()
    cache.put(sandbox(ready=ready))
    async with (
        gateway(EDGE, 1, cache) as url,
        aiohttp.ClientSession() as client,
        client.get(str(URL(url).with_path(paths.HEALTH)), headers=sent) as answer,
    ):
        yield answer


async def test_an_agents_health_is_what_its_sandbox_says() -> None:
    async with health(EDGE.headers()) as answer:
        assert (answer.status, await answer.json()) == (200, {"status": "ready"})
        assert answer.headers[headers.REQUEST_ID]
    async with health(EDGE.headers(), ready=False) as answer:
        assert (answer.status, await error_code(answer)) == (503, "agent_not_ready")
        assert headers.NOT_PASSED_ON in answer.headers


async def test_an_agents_health_is_for_who_may_ask_it_alone() -> None:
    async with health({}) as answer:
        assert (answer.status, await error_code(answer)) == (401, "invalid_edge_token")
    async with health(EDGE.headers("globex", "helper")) as answer:
        assert (answer.status, await error_code(answer)) == (404, "model_not_found")


@pytest.mark.parametrize("path", [paths.CHAT_COMPLETIONS, paths.RESPONSES])
async def test_a_request_reaches_its_agent_at_the_very_path_it_came_to(path: str) -> None:
    reached = []

    async def say_where(request: web.Request) -> web.Response:
        reached.append(request.rel_url.raw_path_qs)
        return await say_ok(request)

    async with upstream(say_where) as port, gateway(EDGE, port) as url, aiohttp.ClientSession() as client:
        for asked in (path, f"{path}?trace=1", path.replace("r", "%72"), path.replace("/v1", "/x/../v1")):
            there = URL(url.removesuffix(paths.CHAT_COMPLETIONS) + asked, encoded=True)
            async with client.post(there, data=BODY, headers=EDGE.headers()) as answer:
                assert answer.status in (200, 404)
    assert reached
    assert set(reached) == {path}


@pytest.mark.parametrize("path", [paths.CHAT_COMPLETIONS, paths.RESPONSES])
async def test_other_methods_are_refused_in_the_same_shape(path: str) -> None:
    async with gateway(EDGE, 1) as url, aiohttp.ClientSession() as client:
        for method in ("GET", "PUT", "DELETE"):
            async with client.request(method, str(URL(url).with_path(path)), headers=EDGE.headers()) as answer:
                assert (answer.status, await error_code(answer)) == (405, "method_not_allowed")


@pytest.mark.parametrize(
    "path", [paths.CHAT, paths.MODELS, f"{paths.RESPONSES}/r-1", "/tools/invoke", paths.METRICS, "/api/chat", "/"]
)
async def test_other_paths_are_refused_in_the_same_shape(path: str) -> None:
    async with (
        upstream(must_not_be_reached) as port,
        gateway(EDGE, port) as url,
        aiohttp.ClientSession() as client,
        client.post(str(URL(url).with_path(path)), data=BODY, headers=EDGE.headers()) as answer,
    ):
        assert (answer.status, await error_code(answer)) == (404, "not_found")


async def test_an_agent_that_cannot_be_reached_is_a_502(unused_tcp_port: int) -> None:
    async with (
        gateway(EDGE, unused_tcp_port) as url,
        aiohttp.ClientSession() as client,
        client.post(url, data=BODY, headers=EDGE.headers()) as answer,
    ):
        assert (answer.status, await error_code(answer)) == (502, "upstream_failed")
        assert headers.NOT_PASSED_ON in answer.headers


async def test_the_log_names_the_request_and_nothing_the_client_wrote(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    sent = EDGE.headers()
    async with answer_to(say_ok, {**sent, headers.REQUEST_ID: "r-7"}) as answer:
        await answer.read()
    lines = [JsonFormatter("gateway").format(record) for record in caplog.records]
    line = next(json.loads(line) for line in lines if '"r-7"' in line)
    assert (line["tenant"], line["agent"], line["key"], line["status"], line["outcome"]) == (
        "acme", "helper", "default", 200, "ok"
    )  # fmt: skip
    assert line["duration_ms"] >= line["first_byte_ms"] > 0
    assert not any("secret wish" in line or sent[headers.EDGE_TOKEN] in line for line in lines)


def test_every_error_of_the_contract_has_a_code_of_its_own() -> None:
    assert len({kind.code for kind in errors.KINDS}) == len(errors.KINDS)
