"""OpenAI's own SDK through the gateway: responses whole, streamed, failed and refused."""

import json
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from typing import Any

import httpx2
import openai
import pytest
from aiohttp import web

from runtime.contract import errors, headers, paths
from runtime.http.answers import Handler
from tests.runtime.edge import Edge
from tests.runtime.serving import EDGE, gateway, must_not_be_reached, upstream

TEXT = "It is raining."
FAILED = {"code": errors.UPSTREAM_FAILED.code, "message": errors.UPSTREAM_FAILED.message, "param": None}


def response(status: str, text: str = "") -> dict[str, Any]:
    """A response as OpenAI's API gives it."""
    part = {"type": "output_text", "text": text, "annotations": []}
    message = {"id": "m1", "type": "message", "role": "assistant", "status": "completed", "content": [part]}
    return {
        "id": "r1",
        "object": "response",
        "created_at": 1_800_000_000,
        "model": "helper",
        "status": status,
        "output": [message] if text else [],
        "parallel_tool_calls": False,
        "tool_choice": "auto",
        "tools": [],
    }


def delta(number: int, text: str) -> dict[str, Any]:
    place = {"item_id": "m1", "output_index": 0, "content_index": 0}
    return {"type": "response.output_text.delta", "sequence_number": number, "delta": text, **place}


CREATED = {"type": "response.created", "sequence_number": 0, "response": response("in_progress")}
COMPLETED = {"type": "response.completed", "sequence_number": 3, "response": response("completed", TEXT)}


def named(event: dict[str, Any]) -> bytes:
    return f"event: {event['type']}\ndata: {json.dumps(event)}\n\n".encode()


def speaks(events: Iterable[bytes]) -> Handler:
    """An agent that streams these events, whatever it is asked."""

    async def stream(request: web.Request) -> web.StreamResponse:
        assert request.path == paths.RESPONSES
        assert (await request.json())["stream"]
        out = web.StreamResponse(headers={"Content-Type": "text/event-stream"})
        await out.prepare(request)
        for event in events:
            await out.write(event)
        return out

    return stream


@asynccontextmanager
async def sdk(agent: Handler, edge: Edge = EDGE, name: str = "helper") -> AsyncIterator[openai.AsyncOpenAI]:
    """A client of a gateway before `agent`; it comes with the token `edge` signs for acme's agent `name`."""
    async with upstream(agent) as port, gateway(EDGE, port) as url, httpx2.AsyncClient(trust_env=False) as http:
        yield openai.AsyncOpenAI(
            base_url=url.removesuffix(paths.CHAT_COMPLETIONS) + "/v1",
            api_key="none",
            default_headers=edge.headers("acme", name),
            http_client=http,
            max_retries=0,
        )


async def test_a_whole_response() -> None:
    async def say(request: web.Request) -> web.Response:
        assert (await request.json())["input"] == "How is the weather?"
        return web.json_response(response("completed", TEXT))

    async with sdk(say) as client:
        answer = await client.responses.create(model="helper", input="How is the weather?", user="u1")
    assert answer.output_text == TEXT


async def test_a_streamed_response() -> None:
    told = [CREATED, delta(1, "It is "), delta(2, "raining."), COMPLETED]
    async with sdk(speaks(map(named, told))) as client:
        events = [event async for event in await client.responses.create(model="helper", input="?", stream=True)]
    assert [event.type for event in events] == [event["type"] for event in told]
    assert "".join(event.delta for event in events if event.type == "response.output_text.delta") == TEXT


async def test_an_error_event_of_the_agents_reaches_whoever_reads_the_stream() -> None:
    failed = {"type": "error", "sequence_number": 2, **FAILED}
    async with sdk(speaks([named(CREATED), named(delta(1, "It ")), named(failed)])) as client:
        events = [event async for event in await client.responses.create(model="helper", input="?", stream=True)]
    last = events[-1]
    assert last.type == "error"
    assert (last.code, last.message) == (FAILED["code"], FAILED["message"])


async def test_the_event_the_edge_ends_a_broken_stream_with_is_raised() -> None:
    """The Worker writes it so for both kinds of stream."""
    end = f"\n\ndata: {json.dumps(errors.body(errors.UPSTREAM_FAILED))}\n\n".encode()
    async with sdk(speaks([named(CREATED), end])) as client:
        stream = await client.responses.create(model="helper", input="?", stream=True)
        assert (await anext(stream)).type == "response.created"
        with pytest.raises(openai.APIError, match="could not be reached") as raised:
            await anext(stream)
    assert raised.value.code == errors.UPSTREAM_FAILED.code


async def test_who_may_not_gets_the_exception_of_a_chat() -> None:
    async with sdk(must_not_be_reached, Edge("another")) as client:
        with pytest.raises(openai.AuthenticationError) as refused:
            await client.responses.create(model="helper", input="?")
    assert refused.value.code == errors.INVALID_TOKEN.code
    assert refused.value.request_id == refused.value.response.headers[headers.REQUEST_ID]


async def test_an_agent_there_is_not_is_not_found() -> None:
    async with sdk(must_not_be_reached, name="stranger") as client:
        with pytest.raises(openai.NotFoundError) as refused:
            await client.responses.create(model="stranger", input="?")
    assert refused.value.code == errors.AGENT_NOT_FOUND.code


async def test_an_agents_own_refusal_comes_as_it_is() -> None:
    async def refuse(_: web.Request) -> web.Response:
        body = errors.body(errors.INVALID_REQUEST, "`input` is missing.", "input")
        return web.json_response(body, status=errors.INVALID_REQUEST.status)

    async with sdk(refuse) as client:
        with pytest.raises(openai.BadRequestError) as refused:
            await client.responses.create(model="helper", input="?")
    assert (refused.value.code, refused.value.param) == (errors.INVALID_REQUEST.code, "input")
