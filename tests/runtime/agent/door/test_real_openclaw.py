"""The door before the real OpenClaw: whose history is whose, what ends with its client, what is told of a failure."""

import asyncio
import json
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from signal import SIGTERM
from typing import Any

import pytest
from aiohttp import web
from anyio.from_thread import start_blocking_portal
from openai import AsyncOpenAI
from yarl import URL

from infra.local.node import node_program
from runtime.agent.openclaw.process import Installed
from runtime.contract import paths
from runtime.receipts import Outcome
from tests.runtime.agent.door.serving import CHAT, Standing, standing_before
from tests.runtime.agent.openclaw.test_real_openclaw import Agent
from tests.runtime.serving import EDGE, LOOPBACK, upstream
from tests.waiting import eventually

pytestmark = pytest.mark.image

ENDLESS = "never stop"


@dataclass
class Ollama:
    """A model that says how many questions of a user's it was shown, and talks for ever when it is asked to."""

    shown: list[list[str]] = field(default_factory=list)
    talking: int = 0

    async def answer(self, request: web.Request) -> web.StreamResponse:
        if request.path != "/api/chat":
            return web.json_response({"models": [], "version": "0"})
        messages = (await request.json())["messages"]
        # What OpenClaw says beside the user's own words stands in messages of its own.
        said = [str(one["content"]) for one in messages if one["role"] == "user"]
        questions = [one for one in said if "OPENCLAW_INTERNAL_CONTEXT" not in one]
        self.shown.append(questions)
        out = web.StreamResponse(headers={"Content-Type": "application/x-ndjson"})
        await out.prepare(request)
        if ENDLESS in questions[-1]:
            await self._talk(out)
        await self._say(out, f"{len(questions)} questions.")
        await self._say(out, "", done=True, done_reason="stop", prompt_eval_count=17, eval_count=5)
        return out

    async def _talk(self, out: web.StreamResponse) -> None:
        self.talking += 1
        try:
            while True:
                await self._say(out, "word ")
                await asyncio.sleep(0.05)
        finally:
            self.talking -= 1

    async def _say(self, out: web.StreamResponse, words: str, **more: Any) -> None:
        said = {
            "model": "tiny",
            "created_at": "2026-01-01T00:00:00Z",
            "message": {"role": "assistant", "content": words},
        }
        await out.write(json.dumps({"done": False, **said, **more}).encode() + b"\n")


@pytest.fixture(scope="module")
def model() -> Iterator[tuple[Ollama, int]]:
    """The model, and its port; in a thread of its own, as OpenClaw is started by one."""
    ollama = Ollama()
    with start_blocking_portal() as portal, portal.wrap_async_context_manager(upstream(ollama.answer)) as port:
        yield ollama, port


@pytest.fixture(scope="module")
def agent(openclaw: Path, model: tuple[Ollama, int], tmp_path_factory: pytest.TempPathFactory) -> Iterator[Agent]:
    """OpenClaw, as the pod runs it."""
    installed = Installed(node_program(), openclaw / "node_modules" / "openclaw" / "openclaw.mjs")
    one = Agent.make(tmp_path_factory.mktemp("agent"), installed, model[1])
    try:
        one.start()
        yield one
    finally:
        one.end(SIGTERM)


@asynccontextmanager
async def door_of(agent: Agent) -> AsyncIterator[Standing]:
    url = URL(f"http://{LOOPBACK}:{agent.settings.ports.openclaw}")
    async with asyncio.timeout(120), standing_before(url, token=agent.token) as door:
        yield door


def sdk(door: Standing) -> AsyncOpenAI:
    """OpenAI's client at the door."""
    return AsyncOpenAI(
        base_url=str(door.url.with_path("/v1")), api_key="none", default_headers=EDGE.headers(), max_retries=0
    )


async def chat(client: AsyncOpenAI, words: str, **more: Any) -> str:
    """What a chat was answered."""
    answer = await client.chat.completions.create(model="helper", messages=[{"role": "user", "content": words}], **more)
    assert answer.model == "helper"
    return str(answer.choices[0].message.content)


async def respond(client: AsyncOpenAI, words: str, **more: Any) -> tuple[str, str]:
    """What a response says, and its id."""
    answer = await client.responses.create(model="helper", input=words, **more)
    return answer.output_text, answer.id


async def test_two_users_have_two_histories_and_each_has_one(agent: Agent, model: tuple[Ollama, int]) -> None:
    async with door_of(agent) as door, sdk(door) as client:
        assert await chat(client, "I am Bob.", user="bob@acme.example") == "1 questions."
        assert await chat(client, "I am Ann.", user="ann@acme.example") == "1 questions."
        assert await chat(client, "Who am I?", user="bob@acme.example") == "2 questions."
        assert (await respond(client, "And now?", user="bob@acme.example"))[0] == "3 questions.", "on either route"
        bobs, anns = model[0].shown[-1], model[0].shown[1]
        assert ["Bob" in bobs[0], "Ann" in str(bobs), "Ann" in anns[0]] == [True, False, True]
        assert [(one.outcome, one.tokens_in, one.tokens_out) for one in door.metrics.requests] == [("ok", 17, 5)] * 4


async def test_nobody_in_particular_has_no_history_but_through_an_answers_id(agent: Agent) -> None:
    async with door_of(agent) as door, sdk(door) as client:
        assert await chat(client, "Hello?") == "1 questions."
        assert await chat(client, "Hello again?") == "1 questions."
        text, first = await respond(client, "Hello?")
        assert text == "1 questions."
        assert (await respond(client, "Go on", previous_response_id=first))[0] == "2 questions."
        with pytest.raises(Exception, match="not known any more"):
            await respond(client, "Go on", previous_response_id=first, user="ann@acme.example")


async def test_no_text_of_a_users_becomes_a_name_in_openclaw(agent: Agent) -> None:
    async with door_of(agent) as door, sdk(door) as client:
        await chat(client, "Hello?", user="../../evil-user")
    files = [path for path in agent.settings.places.data.rglob("*") if path.is_file()]
    assert files
    assert not any("evil-user" in str(path) or b"evil-user" in path.read_bytes() for path in files)


@pytest.mark.parametrize("words", ["/status", "/config show", "/new", "!ls"])
async def test_a_command_of_openclaws_is_only_words_to_the_model(
    agent: Agent, model: tuple[Ollama, int], words: str
) -> None:
    async with door_of(agent) as door, sdk(door) as client:
        assert await chat(client, words) == "1 questions."
    assert words in model[0].shown[-1][0]


@pytest.mark.parametrize("streamed", [False, True], ids=["whole", "streamed"])
async def test_the_model_stops_when_the_client_goes(agent: Agent, model: tuple[Ollama, int], streamed: bool) -> None:
    body = {**CHAT, "messages": [{"role": "user", "content": ENDLESS}], "stream": streamed}
    async with door_of(agent) as door:
        asking = asyncio.create_task(_read(door, body))
        await asyncio.to_thread(eventually, lambda: model[0].talking == 1, "the model talks", 30)
        asking.cancel()
        await asyncio.to_thread(eventually, lambda: model[0].talking == 0, "the model is silent", 10)
        await door.book.written.wait()
        assert [entry.outcome for entry in door.book.entries] == [Outcome.CANCELED]


async def _read(door: Standing, body: Any) -> None:
    async with door.post(body, paths.CHAT_COMPLETIONS) as answer:
        await answer.read()


async def test_a_stream_that_is_cut_says_so_and_the_model_stops(agent: Agent, model: tuple[Ollama, int]) -> None:
    body = {**CHAT, "messages": [{"role": "user", "content": ENDLESS}], "stream": True}
    async with door_of(agent) as door, door.post(body) as answer:
        assert b"assistant" in await answer.content.readuntil(b"\n\n")
        await asyncio.to_thread(eventually, lambda: model[0].talking == 1, "the model talks", 30)
        door.lifecycle.cutting.set()
        told = (await answer.read()).split(b"\n\n")
        assert json.loads(told[-2].removeprefix(b"data: "))["error"]["code"] == "agent_stopping"
        await asyncio.to_thread(eventually, lambda: model[0].talking == 0, "the model is silent", 10)


async def test_what_openclaw_refuses_is_refused_in_our_words(agent: Agent) -> None:
    taken = {"type": "function", "function": {"name": "read", "parameters": {"type": "object"}}}
    async with door_of(agent) as door, door.post({**CHAT, "tools": [taken]}) as answer:
        assert answer.status == 400
        assert set((await answer.json())["error"]) == {"message", "type", "param", "code"}
