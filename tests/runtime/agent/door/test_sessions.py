"""Whose history a request continues."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from runtime.agent.door import sessions
from runtime.agent.door.sessions import Owner, Sessions
from runtime.contract import paths
from runtime.http.answers import RefusedError
from tests.runtime.agent.door.serving import CHAT, RESPONSES, Heard, standing
from tests.runtime.serving import EDGE, error_code

BOB, ANN = Owner("k1", "bob"), Owner("k1", "ann")
NOBODY = Owner("k1", None)
SAFE = re.compile(r"(user-[0-9a-f]{64}|once-[0-9a-f]{32})")


def here() -> Sessions:
    """An agent's sessions."""
    return Sessions("acme", "helper")


@given(st.text(max_size=300))
def test_a_users_session_holds_none_of_their_text(user: str) -> None:
    name = here().open(Owner("k1", user))
    assert SAFE.fullmatch(name)
    assert name == here().open(Owner("k2", user)), "through every key, after every restart"


@given(st.text(), st.text())
def test_two_users_have_two_sessions(one: str, other: str) -> None:
    assert (here().open(Owner("k", one)) == here().open(Owner("k", other))) is (one == other)


def test_a_user_of_another_agent_or_tenant_is_somebody_else() -> None:
    agents = (here(), Sessions("acme", "other"), Sessions("globex", "helper"), Sessions("acme-helper", ""))
    assert len({agent.open(BOB) for agent in agents}) == len(agents)


def test_nobody_in_particular_has_a_session_for_each_request() -> None:
    names = {here().open(NOBODY) for _ in range(10)}
    assert len(names) == 10
    assert all(SAFE.fullmatch(name) for name in names)


@pytest.mark.parametrize("owner", [BOB, NOBODY])
def test_an_answer_is_continued_by_whom_it_was_given(owner: Owner) -> None:
    known = here()
    session = known.open(owner)
    known.remember("resp_1", owner, session)
    assert known.open(owner, "resp_1") == session
    assert known.open(BOB, None) == here().open(BOB)


@pytest.mark.parametrize(
    ("given_to", "thief"),
    [(BOB, ANN), (BOB, NOBODY), (NOBODY, BOB), (NOBODY, Owner("k2", None)), (BOB, Owner("k2", "ann"))],
)
def test_an_answer_is_continued_by_nobody_else(given_to: Owner, thief: Owner) -> None:
    known = here()
    known.remember("resp_1", given_to, known.open(given_to))
    with pytest.raises(RefusedError):
        known.open(thief, "resp_1")


def test_what_is_remembered_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sessions, "REMEMBERED", 2)
    known = here()
    for number in range(3):
        known.remember(f"resp_{number}", NOBODY, "once-1")
    with pytest.raises(RefusedError):
        known.open(NOBODY, "resp_0")
    assert known.open(NOBODY, "resp_2") == "once-1"


async def test_openclaw_is_told_the_session_and_nothing_of_the_user() -> None:
    heard = Heard()
    async with standing(heard.hear) as door:
        for body, path in ((CHAT, paths.CHAT_COMPLETIONS), (RESPONSES, paths.RESPONSES)):
            sent = {**EDGE.headers(), "x-openclaw-session-key": "agent:main:user-of-somebody-else"}
            async with door.post({**body, "user": "bob@acme.example"}, path, sent) as answer:
                assert answer.status == 200
    names = {sent["x-openclaw-session-key"] for _, _, sent, _ in heard.requests}
    assert names == {here().open(Owner("", "bob@acme.example"))}
    assert not any(b"bob" in body or "bob" in str(sent) for _, _, sent, body in heard.requests)


@pytest.mark.parametrize("streamed", [False, True])
async def test_a_response_goes_on_from_the_one_before(streamed: bool) -> None:
    heard = Heard()
    asked = {**RESPONSES, "stream": streamed}
    async with standing(heard.hear) as door:
        async with door.post(asked, paths.RESPONSES) as answer:
            await answer.read()
        async with door.post({**asked, "previous_response_id": "resp_1"}, paths.RESPONSES) as answer:
            assert answer.status == 200
            await answer.read()
        assert "previous_response_id" not in heard.body
        async with door.post({**asked, "previous_response_id": "resp_2"}, paths.RESPONSES) as answer:
            assert (answer.status, await error_code(answer)) == (400, "invalid_request")
            assert (await answer.json())["error"]["param"] == "previous_response_id"
    first, second = [sent["x-openclaw-session-key"] for _, _, sent, _ in heard.requests]
    assert first == second
