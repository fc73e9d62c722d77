"""Answers as they come: nothing is held back, nothing broken looks whole, nothing outlives its client."""

import asyncio
import json
from typing import Any

import pytest
from aiohttp import web
from openai import APIError, APIStatusError, AsyncOpenAI

from runtime.contract import errors, headers, limits, paths
from runtime.http.answers import Handler
from runtime.receipts import Outcome
from tests.runtime.agent.door.serving import (
    BODIES,
    CANARY,
    CHAT,
    DONE,
    RESPONSES,
    Heard,
    Standing,
    asked,
    chat_answer,
    chat_events,
    events,
    response,
    response_events,
    say,
    standing,
    stream,
)
from tests.runtime.serving import EDGE, error_code, never

ROUTES = (paths.CHAT_COMPLETIONS, paths.RESPONSES)
STREAMED = {path: {**body, "stream": True} for path, body in BODIES.items()}
BEGINNING = {paths.CHAT_COMPLETIONS: chat_events("Hel")[:2], paths.RESPONSES: response_events("Hel")[:2]}


def speaking(said: list[bytes], then: str = "end") -> Handler:
    """An OpenClaw that streams this."""

    async def speak(request: web.Request) -> web.StreamResponse:
        return await stream(request, said, then)

    return speak


def answering(status: int, body: Any) -> Handler:
    """An OpenClaw that answers this, whatever it is asked."""

    async def give(_: web.Request) -> web.Response:
        return web.json_response(body, status=status)

    return give


def sdk(door: Standing) -> AsyncOpenAI:
    """OpenAI's own client, at this door."""
    return AsyncOpenAI(
        base_url=str(door.url.with_path("/v1")), api_key="none", default_headers=EDGE.headers(), max_retries=0
    )


SAID = f":{headers.USAGE} 17 5\n\n".encode()


def data(line: bytes) -> Any:
    """What an event says."""
    return json.loads(line.partition(b"data: ")[2])


@pytest.mark.parametrize("path", ROUTES)
async def test_each_event_comes_before_the_next_is_spoken(path: str) -> None:
    said = {paths.CHAT_COMPLETIONS: chat_events("a", "b", usage=False), paths.RESPONSES: response_events("a", "b")}[
        path
    ]
    heard = [asyncio.Event() for _ in said]

    async def speak(request: web.Request) -> web.StreamResponse:
        out = web.StreamResponse(headers={"Content-Type": "text/event-stream"})
        await out.prepare(request)
        for one, event in zip(said, heard, strict=True):
            await out.write(one)
            await event.wait()
        return out

    async with asked(speak, STREAMED[path], path) as answer:
        assert (answer.content_type, answer.headers["Cache-Control"]) == ("text/event-stream", "no-cache")
        for one, event in zip(said, heard, strict=True):
            if one != DONE or path == paths.CHAT_COMPLETIONS:
                told = await answer.content.readuntil(b"\n\n")
                if told == SAID:  # beside the event it precedes
                    told = await answer.content.readuntil(b"\n\n")
                assert (told == one) if one == DONE else ("openclaw" not in told.decode())
            event.set()
        assert await answer.content.readany() == b""


async def test_an_event_torn_into_bytes_is_told_whole() -> None:
    said = b"".join(chat_events("Hel", "lo."))
    async with asked(speaking([said[at : at + 7] for at in range(0, len(said), 7)]), STREAMED[ROUTES[0]]) as answer:
        told = (await answer.read()).split(b"\n\n")
    assert "".join(data(one)["choices"][0]["delta"].get("content", "") for one in told[:-3]) == "Hello."
    assert told[-3:] == [SAID.strip(), b"data: [DONE]", b""]


async def test_what_a_stream_took_is_always_asked_for_and_told_only_on_request() -> None:
    for wanted in (False, True):
        heard = Heard()
        body = {**STREAMED[ROUTES[0]], **({"stream_options": {"include_usage": True}} if wanted else {})}
        async with standing(heard.hear) as door:
            async with door.post(body) as answer:
                told = await answer.read()
            assert heard.body["stream_options"] == {"include_usage": True}
            assert (b"prompt_tokens" in told) is wanted
            assert (door.metrics.requests[0].tokens_in, door.metrics.requests[0].tokens_out) == (17, 5)


@pytest.mark.parametrize("path", ROUTES)
async def test_the_edge_is_told_what_every_answer_took(path: str) -> None:
    async with standing(say) as door:
        async with door.post(STREAMED[path], path) as answer:
            told = await answer.read()
            assert headers.USAGE not in answer.headers
        async with door.post(BODIES[path], path) as answer:
            assert answer.headers[headers.USAGE] == "17 5"
    *_, comment, last, rest = told.split(b"\n\n")
    assert (comment, rest) == (SAID.strip(), b"")
    assert told.count(SAID) == 1
    assert last.endswith(b"[DONE]") or last.startswith(b"event: response.completed\n")


@pytest.mark.parametrize("path", ROUTES)
@pytest.mark.parametrize("streamed", [False, True], ids=["whole", "streamed"])
async def test_the_sdk_reads_what_openclaw_said(path: str, streamed: bool) -> None:
    async with standing(say) as door, sdk(door) as client:
        if path == paths.CHAT_COMPLETIONS:
            assert await _chat(client, streamed) == ("Hello.", "helper")
        else:
            assert await _respond(client, streamed) == ("Hello.", "helper")
        assert [(one.outcome, one.tokens_in, one.tokens_out) for one in door.metrics.requests] == [("ok", 17, 5)]
        [entry] = door.book.entries
        assert (entry.outcome, entry.path, entry.tokens_in, entry.tokens_out) == (Outcome.COMPLETED, path, 17, 5)


async def _chat(client: AsyncOpenAI, streamed: bool) -> tuple[str | None, str]:
    if not streamed:
        whole = await client.chat.completions.create(model="helper", messages=[{"role": "user", "content": CANARY}])
        return whole.choices[0].message.content, whole.model
    text, model = "", ""
    stream = await client.chat.completions.create(
        model="helper", messages=[{"role": "user", "content": CANARY}], stream=True
    )
    async for chunk in stream:
        text, model = text + (chunk.choices[0].delta.content or ""), chunk.model
    return text, model


async def _respond(client: AsyncOpenAI, streamed: bool) -> tuple[str, str]:
    if not streamed:
        whole = await client.responses.create(model="helper", input=CANARY)
        return whole.output_text, str(whole.model)
    text, model = "", ""
    async for event in await client.responses.create(model="helper", input=CANARY, stream=True):
        if event.type == "response.output_text.delta":
            text += event.delta
        if event.type == "response.completed":
            model = str(event.response.model)
    return text, model


async def _cut(door: Standing) -> None:
    door.lifecycle.cutting.set()


async def _wait(_: Standing) -> None:
    pass


def _impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "IDLE_S", 0.2)


def _short(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "REQUEST_S", 0.3)


def _as_it_is(_: pytest.MonkeyPatch) -> None:
    pass


ENDS = [
    pytest.param("silent", _as_it_is, _cut, "agent_stopping", Outcome.CUT, id="cut"),
    pytest.param("silent", _impatient, _wait, "upstream_timeout", Outcome.TIMED_OUT, id="silent"),
    pytest.param("silent", _short, _wait, "upstream_timeout", Outcome.TIMED_OUT, id="too long"),
    pytest.param("break", _as_it_is, _wait, "upstream_failed", Outcome.FAILED, id="broken"),
    pytest.param("end", _as_it_is, _wait, "upstream_failed", Outcome.FAILED, id="ended early"),
]


@pytest.mark.parametrize("path", ROUTES)
@pytest.mark.parametrize(("then", "setting", "act", "code", "outcome"), ENDS)
async def test_a_stream_that_will_not_be_whole_says_so(
    path: str, then: str, setting: Any, act: Any, code: str, outcome: Outcome, monkeypatch: pytest.MonkeyPatch
) -> None:
    setting(monkeypatch)
    async with standing(speaking(BEGINNING[path], then)) as door:
        async with door.post(STREAMED[path], path) as answer:
            told = [await answer.content.readuntil(b"\n\n") for _ in BEGINNING[path]]
            await act(door)
            last = await answer.read()
        assert last.endswith(b"\n\n")
        assert b"[DONE]" not in last
        assert data(last)["error"]["code"] == code
        if path == paths.RESPONSES:
            assert last.startswith(b"event: error\n")
            assert (data(last)["type"], data(last)["code"]) == ("error", code)
            assert [data(one)["sequence_number"] for one in (*told, last)] == [0, 1, 2]
        [entry] = door.book.entries
        assert (entry.outcome, entry.tokens_in) == (outcome, None)
        assert [one.outcome for one in door.metrics.requests] == [code]


@pytest.mark.parametrize("path", ROUTES)
@pytest.mark.parametrize("then", ["break", "end"])
async def test_the_sdk_raises_where_a_stream_breaks(path: str, then: str) -> None:
    async with standing(speaking(BEGINNING[path], then)) as door, sdk(door) as client:
        with pytest.raises(APIError) as raised:
            await (_chat if path == paths.CHAT_COMPLETIONS else _respond)(client, True)
    assert raised.value.code == "upstream_failed"


@pytest.mark.parametrize("path", ROUTES)
async def test_openclaws_error_in_a_stream_is_told_in_our_words(path: str) -> None:
    said = [*BEGINNING[path], *events({"error": {"message": "/data/ollama: no such file", "type": "api_error"}}), DONE]
    async with standing(speaking([b"".join(said)])) as door, door.post(STREAMED[path], path) as answer:
        told = await answer.read()
    assert told.count(b"\n\n") == 3, "what was said before is told"
    assert data(told[told.rindex(b"data: ") :])["error"] == errors.body(errors.UPSTREAM_FAILED)["error"]
    assert b"/data" not in told


async def test_a_response_that_failed_says_so_in_our_words() -> None:
    failed = response("failed", output=[], error={"code": "api_error", "message": "/data/ollama: no such file"})
    async with standing(speaking(response_events(last=failed))) as door:
        async with door.post(STREAMED[paths.RESPONSES], paths.RESPONSES) as answer:
            told = await answer.read()
        assert door.book.entries[0].outcome == Outcome.FAILED
    last = data(told[told.rindex(b"data: ") :])
    assert (last["type"], last["response"]["status"]) == ("response.failed", "failed")
    assert last["response"]["error"] == {"code": "server_error", "message": errors.UPSTREAM_FAILED.message}
    assert b"/data" not in told


@pytest.mark.parametrize("path", ROUTES)
@pytest.mark.parametrize("streamed", [False, True], ids=["whole", "streamed"])
@pytest.mark.parametrize(
    ("status", "code"),
    [
        (400, "invalid_request"),
        (401, "upstream_failed"),
        (403, "upstream_failed"),
        (404, "upstream_failed"),
        (302, "upstream_failed"),
        (413, "request_too_large"),
        (429, "agent_not_ready"),
        (500, "upstream_failed"),
        (502, "upstream_failed"),
        (503, "agent_not_ready"),
        (504, "upstream_timeout"),
    ],
)
async def test_openclaws_errors_are_told_in_our_words(path: str, streamed: bool, status: int, code: str) -> None:
    secret = {"error": {"message": "Ollama at 127.0.0.1 says: no such file /data/ollama", "type": "api_error"}}
    async with standing(answering(status, secret)) as door:
        async with door.post({**BODIES[path], "stream": streamed}, path) as answer:
            assert await error_code(answer) == code
            assert answer.status == next(kind.status for kind in errors.KINDS if kind.code == code)
            assert "/data" not in await answer.text()
            assert ("Retry-After" in answer.headers) is (answer.status == 503)
        assert [one.outcome for one in door.metrics.requests] == [code]
        assert len(door.book.entries) == 1


@pytest.mark.parametrize(
    "answer_of_openclaw",
    [
        answering(200, []),
        answering(200, "x"),
        answering(200, response("failed", error={"code": "api_error", "message": "/data"})),
        speaking(chat_events("Hello.")),
    ],
    ids=["list", "text", "failed", "stream"],
)
async def test_what_is_no_answer_is_a_502(answer_of_openclaw: Handler) -> None:
    async with asked(answer_of_openclaw, RESPONSES, paths.RESPONSES) as answer:
        assert (answer.status, await error_code(answer)) == (502, "upstream_failed")


async def test_a_stream_that_is_none_is_a_502() -> None:
    async with asked(answering(200, chat_answer()), STREAMED[ROUTES[0]]) as answer:
        assert (answer.status, await error_code(answer)) == (502, "upstream_failed")


@pytest.mark.parametrize("path", ROUTES)
@pytest.mark.parametrize("streamed", [False, True], ids=["whole", "streamed"])
@pytest.mark.parametrize(
    ("limit", "status", "code"),
    [("FIRST_BYTE_S", 504, "upstream_timeout"), ("REQUEST_S", 504, "upstream_timeout")],
)
async def test_an_answer_that_never_begins_is_a_504(
    path: str, streamed: bool, limit: str, status: int, code: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(limits, limit, 0.2)
    async with asked(never, {**BODIES[path], "stream": streamed}, path) as answer:
        assert (answer.status, await error_code(answer)) == (status, code)


@pytest.mark.parametrize("path", ROUTES)
@pytest.mark.parametrize("streamed", [False, True], ids=["whole", "streamed"])
async def test_an_agent_that_ends_before_it_answers_is_worth_another_try(path: str, streamed: bool) -> None:
    arrived = asyncio.Event()

    async def think(request: web.Request) -> web.Response:
        arrived.set()
        return await never(request)

    async with standing(think) as door:
        asking = asyncio.create_task(_read(door, {**BODIES[path], "stream": streamed}, path))
        await arrived.wait()
        door.lifecycle.cutting.set()
        assert await asking == (503, "agent_stopping")
        assert [entry.outcome for entry in door.book.entries] == [Outcome.CUT]


async def test_the_sdk_raises_where_an_answer_never_began(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "FIRST_BYTE_S", 0.2)
    async with standing(never) as door, sdk(door) as client:
        with pytest.raises(APIStatusError) as raised:
            await _chat(client, False)
    assert (raised.value.status_code, raised.value.code) == (504, "upstream_timeout")


async def _read(door: Standing, body: Any, path: str) -> tuple[int, str]:
    async with door.post(body, path) as answer:
        return answer.status, await error_code(answer)


@pytest.mark.parametrize("path", ROUTES)
@pytest.mark.parametrize("when", ["before the answer", "in the answer"])
async def test_a_client_that_goes_takes_the_run_with_it(path: str, when: str) -> None:
    arrived, cancelled = asyncio.Event(), asyncio.Event()

    async def work(request: web.Request) -> web.StreamResponse:
        try:
            if when == "in the answer":
                arrived.set()
                return await stream(request, BEGINNING[path], "silent")
            await request.read()
            arrived.set()
            await asyncio.Event().wait()
            raise AssertionError
        except asyncio.CancelledError:
            cancelled.set()
            raise

    async with standing(work) as door:
        asking = asyncio.create_task(_read_all(door, STREAMED[path], path))
        await arrived.wait()
        asking.cancel()
        async with asyncio.timeout(2):
            await cancelled.wait()
            await door.book.written.wait()
        assert [entry.outcome for entry in door.book.entries] == [Outcome.CANCELED]
        assert [one.outcome for one in door.metrics.requests] == ["client_gone"]


async def _read_all(door: Standing, body: Any, path: str) -> None:
    async with door.post(body, path) as answer:
        await answer.read()


async def test_a_client_that_takes_nothing_any_more_is_let_go(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "IDLE_S", 0.3)
    word = "x" * 65536

    async def flood(request: web.Request) -> web.StreamResponse:
        return await stream(request, chat_events(*[word] * 400), "silent")

    async with standing(flood) as door:
        _, writer = await asyncio.open_connection(door.url.host, door.url.port, limit=1024)
        token = "".join(f"{name}: {value}\r\n" for name, value in EDGE.headers().items())
        body = json.dumps({**CHAT, "stream": True})
        head = f"POST {paths.CHAT_COMPLETIONS} HTTP/1.1\r\nHost: x\r\n{token}Content-Length: {len(body)}\r\n\r\n"
        writer.write((head + body).encode())
        async with asyncio.timeout(10):
            await door.book.written.wait()
        assert [entry.outcome for entry in door.book.entries] == [Outcome.CANCELED]
        writer.transport.abort()
        await asyncio.gather(writer.wait_closed(), return_exceptions=True)
