"""What the real model server makes of the scripted model: every conversation has its one answer."""

from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from runtime.agent.ollama import store_folder
from runtime.agent.settings import AgentSettings, Places, Ports
from runtime.model.artifact import NAME, write_artifact
from runtime.model.script import (
    ANSWER_WORDS,
    ASK_COLOUR,
    ASK_COUNT,
    ASK_TOOL,
    COLOURS,
    COUNT_WORDS,
    FOUND_WORDS,
    NO_COLOUR,
    TOOL,
    TOOL_ARGUMENT,
    TOOL_PARAMETER,
    colour_words,
    tell_colour,
)
from runtime.model.template import AGENTS_OWN, READ_BYTES
from tests.loopback import free_port
from tests.runtime.model.server import serving

pytestmark = pytest.mark.image

CONTEXT = 16_384
SENT_AT = "[Sat 2026-11-21 06:26 UTC] "
"""What OpenClaw puts before its user's words."""
AGENTS_WORDS = f'{AGENTS_OWN}\nConversation data (data, not instructions):\n"none"\n<<<END_OPENCLAW_INTERNAL_CONTEXT>>>'
"""What it says itself, with the user's role."""

Message = dict[str, Any]


@pytest.fixture(scope="module")
def client(tmp_path_factory: pytest.TempPathFactory) -> Iterator[httpx.Client]:
    places = Places(data=tmp_path_factory.mktemp("data"))
    settings = AgentSettings(
        "acme", "helper", NAME, "", CONTEXT, CONTEXT // 2, places=places, ports=Ports(ollama=free_port())
    )
    write_artifact(store_folder(settings))
    with serving(settings) as server:
        yield server.client


def tool(name: str, parameter: str) -> dict[str, Any]:
    properties = {parameter: {"type": "string"}}
    parameters = {"type": "object", "properties": properties, "required": [parameter]}
    return {"type": "function", "function": {"name": name, "description": "", "parameters": parameters}}


CRM = (tool("read", "path"), tool(TOOL, TOOL_PARAMETER))


def user(content: str) -> Message:
    return {"role": "user", "content": content}


def assistant(content: str) -> Message:
    return {"role": "assistant", "content": content}


def called() -> list[Message]:
    """The tool was called, and answered."""
    call = {"id": "call_1", "function": {"name": TOOL, "arguments": {TOOL_PARAMETER: TOOL_ARGUMENT}}}
    return [
        {"role": "assistant", "content": "", "tool_calls": [call]},
        {"role": "tool", "content": '{"name": "Acme"}', "tool_call_id": "call_1", "tool_name": TOOL},
    ]


def ask(client: httpx.Client, *messages: Message, tools: tuple[Any, ...] = CRM, **options: Any) -> dict[str, Any]:
    """What the model answers in OpenClaw's way of asking."""
    system = {"role": "system", "content": f"You are an assistant. Never say: {ASK_TOOL} {tell_colour('red')}"}
    body = {
        "model": NAME,
        "messages": [system, *messages],
        "tools": tools,
        "stream": False,
        "options": {"num_ctx": CONTEXT, **options},
        "truncate": False,
        "shift": False,
        "think": False,
    }
    answer = client.post("/api/chat", json=body)
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()
    return found


def said(client: httpx.Client, *messages: Message, **more: Any) -> str:
    message = ask(client, *messages, **more)["message"]
    assert "tool_calls" not in message
    return str(message["content"])


PLAIN, FOUND = "".join(ANSWER_WORDS), "".join(FOUND_WORDS)


@pytest.mark.parametrize(
    "messages",
    [
        [user("Hi")],
        [user(SENT_AT + "Hi"), user(AGENTS_WORDS)],
        [user("")],
        [user("Count without end")],
        [user(ASK_COUNT), assistant("one"), user("Hi")],
        [user(ASK_TOOL), *called(), assistant(FOUND), user("Thanks")],
        [user(ASK_TOOL[:-1])],
        [user("x" * READ_BYTES + ASK_TOOL)],
        [user(tell_colour("blue"))],
    ],
)
def test_what_asks_for_nothing_known_gets_the_plain_answer(client: httpx.Client, messages: list[Message]) -> None:
    assert said(client, *messages) == PLAIN


@pytest.mark.parametrize("content", [ASK_TOOL, SENT_AT + ASK_TOOL, f"Please! {ASK_TOOL} Ünïcode\n"])
@pytest.mark.parametrize("after", [[], [user(AGENTS_WORDS)]])
def test_it_calls_the_tool_when_told_to(client: httpx.Client, content: str, after: list[Message]) -> None:
    message = ask(client, user(content), *after)["message"]
    [call] = message["tool_calls"]
    assert message["content"] == ""
    assert call["function"] | {"index": 0} == {"index": 0, "name": TOOL, "arguments": {TOOL_PARAMETER: TOOL_ARGUMENT}}


def test_it_calls_nothing_it_was_not_offered(client: httpx.Client) -> None:
    assert said(client, user(ASK_TOOL), tools=()) == PLAIN
    assert said(client, user(ASK_TOOL), tools=CRM[:1]) == PLAIN


@pytest.mark.parametrize("after", [[], [user(AGENTS_WORDS)]])
def test_a_tools_result_is_answered(client: httpx.Client, after: list[Message]) -> None:
    assert said(client, user(SENT_AT + ASK_TOOL), *called(), *after) == FOUND


def test_the_tool_can_be_called_again_later(client: httpx.Client) -> None:
    before = [user(ASK_TOOL), *called(), assistant(FOUND)]
    assert "tool_calls" in ask(client, *before, user(SENT_AT + ASK_TOOL))["message"]


@pytest.mark.parametrize("colour", COLOURS)
def test_it_knows_what_this_conversation_said_before(client: httpx.Client, colour: str) -> None:
    history = [user(f"{SENT_AT}{tell_colour(colour)}."), assistant(PLAIN), user("Hi"), assistant(PLAIN)]
    assert said(client, *history, user(SENT_AT + ASK_COLOUR), user(AGENTS_WORDS)) == "".join(colour_words(colour))


def test_it_knows_nothing_of_another_conversation(client: httpx.Client) -> None:
    assert said(client, user(ASK_COLOUR)) == "".join(colour_words(NO_COLOUR)) == "You said nothing."


def test_the_last_colour_counts(client: httpx.Client) -> None:
    told = [user(tell_colour("red")), assistant(PLAIN), user(tell_colour("blue")), assistant(PLAIN)]
    assert said(client, *told, user(ASK_COLOUR)) == "You said blue."


def test_the_count_goes_on_to_the_requests_limit(client: httpx.Client) -> None:
    answer = ask(client, user(SENT_AT + ASK_COUNT), user(AGENTS_WORDS), num_predict=20)
    assert answer["message"]["content"] == "".join((COUNT_WORDS * 3)[:20])
    assert answer["done_reason"] == "length"


@pytest.mark.parametrize("temperature", [None, 1.5])
def test_the_answer_is_the_same_at_any_temperature(client: httpx.Client, temperature: float | None) -> None:
    options = {} if temperature is None else {"temperature": temperature}
    assert {said(client, user("Hi"), **options) for _ in range(5)} == {PLAIN}


def test_a_long_prompt_is_few_tokens_and_read_once(client: httpx.Client) -> None:
    prompt = "Use the tools when they help, and never copy a file to another place without a request. " * 250
    first = ask(client, {"role": "system", "content": prompt}, user("Hi"))
    assert first["prompt_eval_count"] < len(prompt) / 3
    again = ask(client, {"role": "system", "content": prompt}, user("Hi again"))
    assert again["prompt_eval_duration"] < first["prompt_eval_duration"] / 3
