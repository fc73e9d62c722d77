"""OpenClaw's streams, event by event."""

import json
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from runtime.agent.door import events
from runtime.agent.door.events import BrokenStreamError, ChatRetelling, ResponsesRetelling, Splitter, Usage
from runtime.contract import headers
from tests.runtime.agent.door.serving import chat_answer, chat_events, response, response_events

LINE = st.binary(max_size=20).map(lambda line: line.replace(b"\n", b"")).filter(bool)
CUTS = st.lists(st.integers(0, 400), max_size=20)


@given(st.lists(LINE, max_size=8), CUTS)
def test_events_come_whole_however_they_arrive(said: list[bytes], cuts: list[int]) -> None:
    stream = b"".join(one + b"\n\n" for one in said)
    places = sorted({0, len(stream), *(cut for cut in cuts if cut < len(stream))})
    splitter = Splitter()
    told = [one for at, end in pairwise(places) for one in splitter.feed(stream[at:end])]
    assert told == said


def test_an_event_without_end_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(events, "EVENT_BYTES", 100)
    splitter = Splitter()
    assert list(splitter.feed(b"x" * 100)) == []
    with pytest.raises(BrokenStreamError):
        list(splitter.feed(b"x"))


@pytest.mark.parametrize(
    ("usage", "expected"),
    [
        ({"prompt_tokens": 3, "completion_tokens": 0}, Usage(3, 0)),
        ({"prompt_tokens": 0, "completion_tokens": 0}, Usage()),
        ({"prompt_tokens": 3}, Usage(3, None)),
        ({"prompt_tokens": -1, "completion_tokens": 2}, Usage()),
        ({"prompt_tokens": "3", "completion_tokens": True}, Usage()),
        ({"prompt_tokens": 3, "completion_tokens": 1.5}, Usage(3, None)),
        ([], Usage()),
        (None, Usage()),
    ],
)
def test_what_nobody_counted_is_not_known(usage: object, expected: Usage) -> None:
    retelling = ChatRetelling("helper", wants_usage=True)
    retelling.answer({**chat_answer(), "usage": usage})
    assert retelling.usage == expected


@pytest.mark.parametrize(
    ("usage", "told"), [(Usage(3, 0), "3 0"), (Usage(), ""), (Usage(3, None), ""), (Usage(None, 3), "")]
)
def test_the_edge_is_told_of_what_was_counted_alone(usage: Usage, told: str) -> None:
    assert str(usage) == told


def test_a_stream_nobody_counted_ends_without_a_word_of_it() -> None:
    retelling = ChatRetelling("helper", wants_usage=False)
    told = [retelling.event(one.removesuffix(b"\n\n")) or b"" for one in chat_events("x", usage=False)]
    assert headers.USAGE.encode() not in b"".join(told)


def test_the_zeros_a_response_begins_with_are_not_what_it_took() -> None:
    retelling = ResponsesRetelling("helper", lambda _: None)
    for one in response_events("x")[:2]:
        retelling.event(one.removesuffix(b"\n\n"))
    assert retelling.usage == Usage()
    retelling.event(response_events("x")[-2].removesuffix(b"\n\n"))
    assert (retelling.usage, retelling.done) == (Usage(17, 5), True)


def test_a_response_that_stopped_early_is_whole_all_the_same() -> None:
    retelling = ResponsesRetelling("helper", lambda _: None)
    for one in response_events(last=response("incomplete"))[:-1]:
        retelling.event(one.removesuffix(b"\n\n"))
    assert (retelling.done, retelling.failure, retelling.usage) == (True, None, Usage(17, 5))


def test_what_only_keeps_a_connection_awake_is_not_told() -> None:
    assert ChatRetelling("helper", wants_usage=True).event(b": ping") is None


@pytest.mark.parametrize(
    "said",
    [
        b"data: ",
        b"data: {",
        b"data: []",
        b'data: "x"',
        b"data: \xff",
        b'data: {"error": {}, "x": "y"',
        b"data: nonsense",
    ],
)
def test_what_is_no_event_breaks_the_stream(said: bytes) -> None:
    for retelling in (ChatRetelling("helper", wants_usage=True), ResponsesRetelling("helper", lambda _: None)):
        with pytest.raises(BrokenStreamError):
            retelling.event(said)


@pytest.mark.parametrize("name", [None, 7, "a\nb: c", "\u2028"])
def test_an_events_name_cannot_be_more_than_that(name: object) -> None:
    with pytest.raises(BrokenStreamError):
        ResponsesRetelling("helper", lambda _: None).event(b"data: " + json.dumps({"type": name}).encode())


@given(st.binary(max_size=60))
def test_no_event_at_all_breaks_the_reader(said: bytes) -> None:
    for retelling in (ChatRetelling("helper", wants_usage=True), ResponsesRetelling("helper", lambda _: None)):
        try:
            retelling.event(said)
        except BrokenStreamError:
            continue


def test_every_name_but_the_agents_own_is_gone() -> None:
    for one in chat_events("Hello.")[:-1]:
        told = ChatRetelling("helper", wants_usage=True).event(one.removesuffix(b"\n\n"))
        assert told is not None
        assert json.loads(told.removeprefix(b"data: "))["model"] == "helper"
