"""What is written down of a request at its end."""

import json
import logging
from typing import Any

import pytest
from aiohttp import web

from runtime.contract import headers, paths
from runtime.http.log import JsonFormatter
from runtime.receipts import Outcome, ReceiptError
from tests.runtime.agent.door.serving import CANARY, CHAT, DIGEST, TOKEN, NoBook, say, standing
from tests.runtime.serving import EDGE, must_not_be_reached


async def test_a_receipt_names_the_request_and_holds_nothing_of_it() -> None:
    sent = {**EDGE.headers(), headers.REQUEST_ID: "r-42"}
    async with standing(say) as door, door.post(CHAT, sent=sent) as answer:
        await answer.read()
    [entry] = door.book.entries
    assert (entry.id, entry.key, entry.method, entry.path) == ("r-42", "default", "POST", paths.CHAT_COMPLETIONS)
    assert (entry.model, entry.model_digest, entry.outcome) == ("tiny", DIGEST, Outcome.COMPLETED)
    assert (entry.tokens_in, entry.tokens_out) == (17, 5)
    assert entry.duration_ms >= 0
    assert CANARY not in str(entry)


async def test_a_request_is_measured_with_its_first_byte() -> None:
    async with standing(say) as door, door.post({**CHAT, "stream": True}) as answer:
        await answer.read()
    [measured] = door.metrics.requests
    assert (measured.path, measured.outcome) == (paths.CHAT_COMPLETIONS, "ok")
    assert measured.first_byte_s is not None
    assert 0 < measured.first_byte_s <= measured.duration_s


@pytest.mark.parametrize(
    ("body", "path", "sent", "outcome"),
    [
        (CHAT, paths.CHAT_COMPLETIONS, {}, "invalid_edge_token"),
        ({}, paths.CHAT_COMPLETIONS, None, "invalid_request"),
        (CHAT, "/tools/invoke", None, "not_found"),
        (CHAT, paths.MODELS, None, "method_not_allowed"),
    ],
)
async def test_what_is_not_let_in_is_measured_and_gets_no_receipt(
    body: Any, path: str, sent: dict[str, str] | None, outcome: str
) -> None:
    async with standing(must_not_be_reached) as door, door.post(body, path, sent) as answer:
        assert headers.RECEIPT not in answer.headers
    assert door.book.entries == []
    assert [(one.path, one.outcome) for one in door.metrics.requests] == [(path, outcome)]


@pytest.mark.parametrize("stream", [True, False])
async def test_the_models_watch_hears_of_an_answer_as_it_comes(stream: bool) -> None:
    async with standing(say) as door, door.post({**CHAT, "stream": stream}) as answer:
        await answer.read()
    assert door.watch.told == ["began", "heard", "answered"]


async def test_the_models_watch_takes_no_failure_for_an_answer() -> None:
    async def fail(_: web.Request) -> web.Response:
        return web.Response(status=500)

    async with standing(fail) as door, door.post(CHAT) as answer:
        assert answer.status == 502
    assert door.watch.told == ["began", "failed"]


async def test_what_is_not_let_in_is_nothing_to_the_models_watch() -> None:
    async with standing(must_not_be_reached) as door, door.post(CHAT, sent={}) as answer:
        assert answer.status == 401
    assert door.watch.told == []


async def test_a_receipt_that_cannot_be_written_is_at_least_said(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def fail(*_: Any) -> str:
        raise ReceiptError("the volume is full")

    monkeypatch.setattr(NoBook, "append", fail)
    async with standing(say) as door, door.post(CHAT, sent={**EDGE.headers(), headers.REQUEST_ID: "r-7"}) as answer:
        assert answer.status == 200
    [line] = [json.loads(JsonFormatter("agent").format(one)) for one in caplog.records if one.levelno == logging.ERROR]
    assert (line["event"], line["request_id"], line["reason"]) == ("receipt not written", "r-7", "the volume is full")


async def test_the_log_names_the_request_and_nothing_the_client_wrote(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    sent = {**EDGE.headers(), headers.REQUEST_ID: "r-9"}
    async with standing(say) as door, door.post({**CHAT, "user": "bob@acme.example"}, sent=sent) as answer:
        await answer.read()
    lines = [JsonFormatter("agent").format(record) for record in caplog.records]
    line = next(json.loads(line) for line in lines if '"r-9"' in line)
    assert (line["tenant"], line["agent"], line["key"], line["status"], line["outcome"]) == (
        "acme", "helper", "default", 200, "ok",
    )  # fmt: skip
    assert not any(word in one for one in lines for word in (CANARY, TOKEN, sent[headers.EDGE_TOKEN], "bob"))
