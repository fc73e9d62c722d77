"""What a client may ask for, and what OpenClaw gets of it."""

import json
from contextlib import suppress
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from runtime.agent.door.asking import ChatWish, ResponsesWish
from runtime.agent.door.reading import MAX_DEPTH, names_a_gateway, read_object
from runtime.contract import limits
from runtime.http.answers import RefusedError
from tests.runtime.agent.door.serving import CHAT, MAX_TOKENS, RESPONSES

PNG = "data:image/png;base64,AAAA"


def refused(wish: type[ChatWish] | type[ResponsesWish], body: dict[str, Any]) -> RefusedError:
    """The refusal of a wish."""
    with pytest.raises(RefusedError) as raised:
        wish.read(body)
    assert raised.value.kind.status == 400
    return raised.value


def user(*parts: Any) -> list[dict[str, Any]]:
    """A user's message."""
    return [{"role": "user", "content": list(parts)}]


SDK_CHAT = {
    "model": "helper",
    "messages": [
        {"role": "system", "content": "Be brief."},
        {"role": "developer", "content": [{"type": "text", "text": "Be kind."}]},
        {
            "role": "user",
            "content": [{"type": "text", "text": "Look"}, {"type": "image_url", "image_url": {"url": PNG}}],
        },
        {
            "role": "assistant",
            "content": None,
            "tool_calls": [{"id": "c1", "type": "function", "function": {"name": "look_up", "arguments": "{}"}}],
        },
        {"role": "tool", "content": "found", "tool_call_id": "c1"},
        {"role": "user", "content": "And?"},
    ],
    "tools": [
        {
            "type": "function",
            "function": {
                "name": "look_up",
                "description": "Looks up.",
                "parameters": {"type": "object", "properties": {"what": {"enum": ["a", None]}}},
                "strict": True,
            },
        }
    ],
    "tool_choice": {"type": "function", "function": {"name": "look_up"}},
    "max_completion_tokens": 6,
    "temperature": 1,
    "top_p": 0.5,
    "frequency_penalty": -2,
    "presence_penalty": 2,
    "seed": -3,
    "stop": ["a", "b"],
    "response_format": {"type": "json_schema", "json_schema": {"name": "x", "schema": {"const": None}, "strict": True}},
}
"""Everything that goes on."""

SDK_RESPONSES = {
    "model": "helper",
    "input": [
        {"type": "message", "role": "user", "content": "Look"},
        {"type": "function_call", "call_id": "c1", "name": "look_up", "arguments": "{}"},
        {"type": "function_call_output", "call_id": "c1", "output": "found"},
    ],
    "instructions": "Be brief.",
    "tools": [{"type": "function", "name": "look_up", "parameters": {"const": None}, "strict": True}],
    "tool_choice": {"type": "function", "name": "look_up"},
    "max_output_tokens": 5,
    "temperature": 0,
    "top_p": 1,
}


def test_what_openclaw_knows_goes_on_as_it_came() -> None:
    for wish, body in ((ChatWish, SDK_CHAT), (ResponsesWish, SDK_RESPONSES)):
        expected = json.loads(json.dumps({key: value for key, value in body.items() if key != "model"}))
        if wish is ChatWish:
            del expected["messages"][3]["content"]
        assert wish.read(body).passed_on(MAX_TOKENS) == expected


@pytest.mark.parametrize(
    ("wish", "body", "wanted", "passed"),
    [
        (ChatWish, CHAT, {}, {"max_completion_tokens": MAX_TOKENS}),
        (ChatWish, CHAT, {"max_tokens": 5}, {"max_completion_tokens": 5}),
        (ChatWish, CHAT, {"max_tokens": 5, "max_completion_tokens": 6}, {"max_completion_tokens": 5}),
        (ChatWish, CHAT, {"max_tokens": MAX_TOKENS + 1}, {"max_completion_tokens": MAX_TOKENS}),
        (ChatWish, CHAT, {"max_completion_tokens": 2**53 - 1}, {"max_completion_tokens": MAX_TOKENS}),
        (ResponsesWish, RESPONSES, {}, {"max_output_tokens": MAX_TOKENS}),
        (ResponsesWish, RESPONSES, {"max_output_tokens": 5}, {"max_output_tokens": 5}),
        (ResponsesWish, RESPONSES, {"max_output_tokens": MAX_TOKENS + 1}, {"max_output_tokens": MAX_TOKENS}),
    ],
)
def test_no_answer_is_asked_for_longer_than_the_template_allows(
    wish: type[ChatWish], body: dict[str, Any], wanted: dict[str, int], passed: dict[str, int]
) -> None:
    length = {
        name: value for name, value in wish.read({**body, **wanted}).passed_on(MAX_TOKENS).items() if "max" in name
    }
    assert length == passed


@pytest.mark.parametrize(
    ("wish", "body", "hints"),
    [
        (
            ChatWish,
            CHAT,
            {
                "agent": "helper", "user": "bob", "stream": True, "stream_options": {"include_usage": True}, "n": 1,
                "metadata": {"a": "b"}, "store": True, "logprobs": False, "parallel_tool_calls": True,
                "reasoning_effort": "low", "service_tier": "auto", "safety_identifier": "x", "prompt_cache_key": "x",
                "modalities": ["text"], "verbosity": "low",
            },
        ),
        (
            ResponsesWish,
            RESPONSES,
            {
                "agent": "helper", "user": "bob", "stream": True, "stream_options": {"include_obfuscation": True},
                "background": False, "include": ["reasoning.encrypted_content"], "max_tool_calls": 3, "metadata": {},
                "previous_response_id": "resp_1", "reasoning": {"effort": "low"}, "truncation": "auto", "store": False,
                "text": {"format": {"type": "text"}, "verbosity": "low"},
            },
        ),
    ],
    ids=["chat", "responses"],
)  # fmt: skip
def test_hints_are_taken_and_end_at_the_door(wish: type[ChatWish], body: dict[str, Any], hints: dict[str, Any]) -> None:
    plain = wish.read(body).passed_on(MAX_TOKENS)
    assert wish.read({**body, **hints}).passed_on(MAX_TOKENS) == plain
    assert wish.read({**body, **dict.fromkeys(hints)}).passed_on(MAX_TOKENS) == plain, "null is nothing"


@pytest.mark.parametrize(("wish", "body"), [(ChatWish, CHAT), (ResponsesWish, RESPONSES)], ids=["chat", "responses"])
@pytest.mark.parametrize(
    "field",
    [
        "session", "session_key", "sessionKey", "session_id", "agentId", "agent_id", "provider", "thinking", "tool_use",
        "functions", "function_call", "logit_bias", "audio", "prediction", "web_search_options", "conversation",
        "prompt", "context_management", "top_logprobs", "moderation", "__proto__", "constructor", "",
    ],
)  # fmt: skip
def test_an_unknown_field_is_refused_by_name(wish: type[ChatWish], body: dict[str, Any], field: str) -> None:
    error = refused(wish, {**body, field: {}})
    assert (error.message, error.param) == (f"Unknown parameter: {field!r}.", field)


@pytest.mark.parametrize(
    ("body", "where"),
    [
        ({"messages": []}, "messages: "),
        ({"messages": "x"}, "messages: "),
        ({"messages": [{"role": "user"}]}, "messages.0.content: "),
        ({"messages": [{"role": "function", "content": "x", "name": "x"}]}, "messages.0: "),
        ({"messages": [{"role": "user", "content": 1}]}, "messages.0.content: "),
        ({"messages": user({"type": "video", "video": "x"})}, "messages.0.content.0: "),
        ({"messages": user({"type": "input_audio", "input_audio": {"data": ""}})}, "messages.0.content.0: "),
        ({"messages": user({"type": "file", "file": {"file_id": "x"}})}, "messages.0.content.0: "),
        ({"temperature": 2.1}, "temperature: "),
        ({"temperature": "1"}, "temperature: "),
        ({"top_p": -0.1}, "top_p: "),
        ({"n": 2}, "n: "),
        ({"logprobs": True}, "logprobs: "),
        ({"modalities": ["audio"]}, "modalities.0: "),
        ({"max_tokens": 0}, "max_tokens: "),
        ({"max_tokens": 2**53}, "max_tokens: "),
        ({"max_tokens": True}, "max_tokens: "),
        ({"seed": 1.5}, "seed: "),
        ({"stop": ["a"] * 5}, "stop: "),
        ({"stop": ""}, "stop: "),
        ({"stream": "yes"}, "stream: "),
        ({"user": "x" * (limits.USER_CHARS + 1)}, "user: "),
        ({"user": 7}, "user: "),
        ({"tools": [{"type": "function"}]}, "tools.0.function: "),
        ({"tools": [{"type": "function", "function": {"name": "../x"}}]}, "tools.0.function.name: "),
        ({"tools": [{"type": "custom", "custom": {"name": "x"}}]}, "tools.0."),
        ({"tools": [{"type": "function", "function": {"name": "x"}}] * 129}, "tools: "),
        ({"tool_choice": "any"}, "tool_choice: "),
        ({"response_format": {"type": "grammar"}}, "response_format: "),
    ],
)
def test_what_is_wrong_in_a_chat_is_named(body: dict[str, Any], where: str) -> None:
    error = refused(ChatWish, {**CHAT, **body})
    assert str(error.message).startswith(where)
    assert error.param == where.split(".")[0].split(":")[0]


@pytest.mark.parametrize(
    ("body", "where"),
    [
        ({"input": None}, "input: "),
        ({"input": []}, "input: "),
        ({"input": [{"type": "item_reference", "id": "x"}]}, "input.0: "),
        ({"input": [{"type": "mcp_call"}]}, "input.0: "),
        ({"input": [{"type": 7}]}, "input.0: "),
        ({"input": ["x"]}, "input.0: "),
        ({"input": user({"type": "input_file", "file_id": "x"})}, "input.0.content.0.file_data: "),
        ({"input": user({"type": "input_image", "file_id": "x"})}, "input.0.content.0.image_url: "),
        ({"text": {"format": {"type": "json_schema"}}}, "text.format.type: "),
        ({"background": True}, "background: "),
        ({"tools": [{"type": "web_search"}]}, "tools.0."),
        ({"tool_choice": {"type": "mcp", "server_label": "x"}}, "tool_choice."),
        ({"temperature": 3}, "temperature: "),
    ],
)  # fmt: skip
def test_what_is_wrong_in_a_response_is_named(body: dict[str, Any], where: str) -> None:
    assert str(refused(ResponsesWish, {**RESPONSES, **body}).message).startswith(where)


def test_a_long_name_is_not_said_again() -> None:
    error = refused(ChatWish, {**CHAT, "x" * 10_000: 1})
    assert len(str(error.message)) < 200


URLS = [
    "http://169.254.169.254/latest/meta-data/",
    "https://example.com/a.png",
    "HTTP://example.com",
    "//example.com/a.png",
    "file:///etc/passwd",
    "/data/openclaw/openclaw.json",
    "data:image/svg+xml;base64,AAAA",
    "data:text/html,<script>",
    "data:image/png;base64,AAAA\nhttp://example.com",
    " http://example.com",
    "",
]


@pytest.mark.parametrize("url", URLS)
def test_nothing_a_client_names_is_fetched(url: str) -> None:
    refused(ChatWish, {**CHAT, "messages": user({"type": "image_url", "image_url": {"url": url}})})
    for part in (
        {"type": "input_image", "image_url": url},
        {"type": "input_file", "file_url": url},
        {"type": "input_image", "source": {"type": "url", "url": url}},
        {"type": "input_file", "source": {"type": "url", "url": url}},
    ):
        refused(ResponsesWish, {**RESPONSES, "input": user(part)})
    if not url.startswith("data:"):
        refused(ResponsesWish, {**RESPONSES, "input": user({"type": "input_file", "file_data": url})})


@pytest.mark.parametrize("name", ["../../etc/passwd", "/etc/passwd", "a\nb", "a\x00b", ".env", "x" * 200, "a/b"])
def test_a_files_name_is_no_path(name: str) -> None:
    part = {"type": "input_file", "filename": name, "file_data": "data:text/plain;base64,AAAA"}
    refused(ResponsesWish, {**RESPONSES, "input": user(part)})


def test_openais_parts_become_openclaws() -> None:
    body = {
        "input": [
            {
                "role": "user",
                "content": [
                    {"type": "input_text", "text": "Read"},
                    {"type": "input_image", "image_url": PNG, "detail": "auto"},
                    {"type": "input_file", "filename": "a.txt", "file_data": "data:text/plain;base64,AAAA"},
                ],
            },
            {
                "type": "message", "id": "msg_1", "role": "assistant", "status": "completed", "phase": "final_answer",
                "content": [{"type": "output_text", "text": "Read.", "annotations": [], "logprobs": []}],
            },
            {"type": "reasoning", "id": "rs_1", "summary": [], "content": None},
            {"type": "function_call", "id": "fc_1", "call_id": "c1", "name": "f", "arguments": "{}", "status": ""},
            {
                "type": "function_call_output", "call_id": "c1",
                "output": [{"type": "input_text", "text": "a"}, {"type": "input_text", "text": "b"}],
            },
        ]
    }  # fmt: skip
    assert ResponsesWish.read(body).passed_on(MAX_TOKENS)["input"] == [
        {
            "type": "message",
            "role": "user",
            "content": [
                {"type": "input_text", "text": "Read"},
                {"type": "input_image", "source": {"type": "base64", "media_type": "image/png", "data": "AAAA"}},
                {
                    "type": "input_file",
                    "source": {"type": "base64", "media_type": "text/plain", "data": "AAAA", "filename": "a.txt"},
                },
            ],
        },
        {"type": "message", "role": "assistant", "content": [{"type": "output_text", "text": "Read."}]},
        {"type": "function_call", "call_id": "c1", "name": "f", "arguments": "{}"},
        {"type": "function_call_output", "call_id": "c1", "output": "a\nb"},
    ]


SPELLINGS = [
    "gatewayUrl", "gatewayurl", "GATEWAYURL", "gateway_url", "gateway-url", "Gateway-URL", "gateway url", "gateway.url",
    "_gateway__url", "\uff47ateway\uff35rl", "gatewayUr\u217c",
]  # fmt: skip


@pytest.mark.parametrize("name", SPELLINGS)
@pytest.mark.parametrize(
    "place",
    [
        lambda name: {name: "ws://evil.example"},
        lambda name: {"metadata": {name: "ws://evil.example"}},
        lambda name: {"messages": [{"role": "user", "content": "x", name: "ws://evil.example"}]},
        lambda name: {"messages": [{"role": "user", "content": "x", "options": [{"deep": {name: None}}]}]},
        lambda name: {"tools": [{"type": "function", "function": {"name": "x", name: "ws://evil.example"}}]},
    ],
    ids=["top", "metadata", "message", "deep", "tool"],
)
def test_a_gateway_to_connect_to_is_refused_in_any_spelling(name: str, place: Any) -> None:
    with pytest.raises(RefusedError) as raised:
        read_object(json.dumps({**CHAT, **place(name)}).encode())
    assert raised.value.param == "gatewayUrl"


def test_what_only_speaks_of_a_gateway_is_let_through() -> None:
    schema = {"type": "object", "properties": {"gateway_url": {"type": "string"}}}
    body = {
        **CHAT,
        "messages": [{"role": "user", "content": '{"gatewayUrl": "ws://shop.example"} gatewayUrl'}],
        "tools": [{"type": "function", "function": {"name": "pay", "parameters": schema}}],
    }
    assert read_object(json.dumps(body).encode()) == body
    assert not names_a_gateway("gateway_urls")


def test_a_body_may_be_deep_but_not_bottomless() -> None:
    def nested(levels: int) -> bytes:
        return b'{"a":' * levels + b"1" + b"}" * levels

    assert read_object(nested(MAX_DEPTH - 1))
    with pytest.raises(RefusedError):
        read_object(nested(MAX_DEPTH))


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=6,
)
FIELDS = st.sampled_from([*ChatWish.model_fields, *ResponsesWish.model_fields])


@given(st.dictionaries(FIELDS | st.text(max_size=20), JSON))
def test_whatever_comes_is_read_or_refused(body: dict[str, Any]) -> None:
    for wish, needed in ((ChatWish, CHAT), (ResponsesWish, RESPONSES)):
        for asked in (body, {**needed, **body}):
            with suppress(RefusedError):
                passed = wish.read(read_object(json.dumps(asked).encode())).passed_on(MAX_TOKENS)
                assert json.dumps(passed)
                assert not passed.keys() & {"model", "agent", "user", "metadata", "previous_response_id"}


@given(st.binary(max_size=200))
def test_no_bytes_at_all_break_the_reader(body: bytes) -> None:
    with suppress(RefusedError):
        assert isinstance(read_object(body), dict)
