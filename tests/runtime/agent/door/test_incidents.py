"""What has been done to OpenClaw, Ollama and llama.cpp elsewhere, tried here with a good token: nothing is reached."""

import json

import pytest

from runtime.contract import headers, paths
from tests.runtime.agent.door.incidents import INCIDENTS, Attempt
from tests.runtime.agent.door.serving import CHAT, Heard, standing
from tests.runtime.raw_http import answer_to_bytes
from tests.runtime.serving import EDGE


@pytest.mark.parametrize("attempts", INCIDENTS.values(), ids=INCIDENTS.keys())
async def test_incident(attempts: list[Attempt]) -> None:
    heard = Heard()
    async with standing(heard.hear) as door:
        for attempt in attempts:
            status, answered, body = await answer_to_bytes(str(door.url), attempt.bytes(EDGE.headers()))
            assert status == attempt.status, attempt
            assert answered[headers.REQUEST_ID]
            if attempt.method != "HEAD":
                error = json.loads(body)["error"]
                assert set(error) == {"message", "type", "param", "code"}
                assert "evil.example" not in error["message"]
        assert heard.requests == []
        assert door.book.entries == []


async def test_the_same_way_of_asking_works_for_what_is_allowed() -> None:
    heard = Heard()
    async with standing(heard.hear) as door:
        status, _, _ = await answer_to_bytes(
            str(door.url), Attempt("POST", paths.CHAT_COMPLETIONS, body=CHAT).bytes(EDGE.headers())
        )
    assert (status, len(heard.requests)) == (200, 1)
