"""What of a chat reaches the model server, and whose chats."""

import json
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from yarl import URL

from runtime.agent.chat import chat_handler, with_model
from runtime.agent.settings import AgentSettings
from runtime.contract import headers, limits, paths
from runtime.http import proxy
from runtime.http.answers import Handler, RefusedError
from runtime.http.edge_token import load_keys
from runtime.http.lifecycle import Lifecycle
from runtime.http.server import application, listen
from tests.runtime.serving import BODY, EDGE, LOOPBACK, error_code, must_not_be_reached, port_of, say_ok, upstream

SETTINGS = AgentSettings("acme", "helper", load_keys(EDGE.jwks), "tiny", Path("/m"), 4096, Path("/d"))


@asynccontextmanager
async def answer_of(
    model: Handler, sent: Mapping[str, str] | None = None, data: Any = BODY, ready: bool = True
) -> AsyncIterator[aiohttp.ClientResponse]:
    """What the agent acme/helper answers when `model` is its model server."""
    async with upstream(model) as model_port, proxy.client() as session, aiohttp.ClientSession() as client:
        chat = chat_handler(SETTINGS, lambda: ready, session, URL(f"http://{LOOPBACK}:{model_port}/chat"))
        runner = await listen(application(chat, lambda: ready, Lifecycle()), LOOPBACK, 0)
        url = f"http://{LOOPBACK}:{port_of(runner)}{paths.CHAT_COMPLETIONS}"
        try:
            async with client.post(url, data=data, headers=EDGE.headers() if sent is None else sent) as answer:
                yield answer
        finally:
            await runner.cleanup()


async def test_the_model_server_gets_its_own_models_name_and_no_token() -> None:
    async with answer_of(say_ok) as answer:
        got = await answer.json()
    assert json.loads(got["got"]) == {**json.loads(BODY), "model": "tiny"}
    assert got["headers"]["content-type"] == "application/json"
    assert headers.EDGE_TOKEN not in got["headers"]


@pytest.mark.parametrize("whose", [("globex", "helper"), ("acme", "other")])
async def test_a_good_token_for_another_agent_is_refused(whose: tuple[str, str]) -> None:
    async with answer_of(must_not_be_reached, EDGE.headers(*whose)) as answer:
        assert (answer.status, await error_code(answer)) == (401, "invalid_edge_token")


async def test_no_token_is_refused_before_the_body_is_read() -> None:
    async with answer_of(must_not_be_reached, {}, data=b"not json") as answer:
        assert answer.status == 401


async def test_until_the_model_answers_chats_are_refused() -> None:
    async with answer_of(must_not_be_reached, ready=False) as answer:
        assert (answer.status, await error_code(answer)) == (503, "agent_not_ready")


@pytest.mark.parametrize("body", [b"", b"{", b"[]", b'"x"', b"null", b'{"n": NaN}', b"\xff", b"[" * 100_000])
async def test_a_body_that_is_no_json_object_is_refused(body: bytes) -> None:
    async with answer_of(must_not_be_reached, data=body) as answer:
        assert (answer.status, await error_code(answer)) == (400, "invalid_request")


async def test_a_body_too_large_is_refused() -> None:
    async def body() -> AsyncIterator[bytes]:
        for _ in range(limits.BODY_BYTES // 65536 + 1):
            yield b"x" * 65536

    async with answer_of(must_not_be_reached, data=body()) as answer:
        assert (answer.status, await error_code(answer)) == (413, "request_too_large")


@pytest.mark.parametrize("path", ["/api/tags", "/api/create", "/v1/models", "/v1/completions", "/", "/v1/chat/"])
async def test_nothing_but_chat_completions_reaches_the_model_server(path: str) -> None:
    async with (
        answer_of(say_ok) as known,
        aiohttp.ClientSession() as client,
        client.post(known.url.with_path(path), data=b"{}", headers=EDGE.headers()) as answer,
    ):
        assert (answer.status, await error_code(answer)) == (404, "not_found")


@pytest.mark.parametrize(("ready", "status"), [(True, 200), (False, 503)])
async def test_the_probe_says_whether_the_model_answers(ready: bool, status: int) -> None:
    async with answer_of(say_ok, ready=ready) as known, aiohttp.ClientSession() as client:
        async with client.get(known.url.with_path(paths.READY)) as answer:
            assert answer.status == status
        async with client.get(known.url.with_path(paths.LIVE)) as answer:
            assert answer.status == 200


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=4,
)


@settings(max_examples=50)
@given(st.dictionaries(st.text(), JSON))
def test_all_but_the_model_stays_as_it_was(wish: dict[str, Any]) -> None:
    assert json.loads(with_model(json.dumps(wish).encode(), "tiny")) == {**wish, "model": "tiny"}


def test_a_model_named_twice_is_replaced_twice() -> None:
    assert json.loads(with_model(b'{"model": "a", "model": "b"}', "tiny")) == {"model": "tiny"}


@given(st.binary(max_size=100))
def test_no_bytes_at_all_break_the_reader(body: bytes) -> None:
    with suppress(RefusedError):
        assert json.loads(with_model(body, "tiny"))["model"] == "tiny"
