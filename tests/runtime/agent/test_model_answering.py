"""When the model is asked whether it answers, and what comes of it."""

import asyncio
from dataclasses import dataclass, field, replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from runtime.agent.failures import ModelError, ServerError
from runtime.agent.model.answering import EVERY_S, STALLED_S, Answering, Seen, is_due
from runtime.agent.ollama import LoadedModel, OllamaApi
from runtime.agent.settings import AgentSettings

SETTINGS = AgentSettings("acme", "helper", "tiny", "sha256:ab", 4096, 512)
AS_ASKED = LoadedModel("sha256:ab", 4096)
MOMENTS = st.floats(-1e6, 1e6)


@dataclass
class FakeApi(OllamaApi):
    """A model that answers at once, or when told to."""

    model: LoadedModel | None = AS_ASKED
    free: asyncio.Event = field(default_factory=asyncio.Event)
    asked: int = 0

    async def speak(self, model: str, context_tokens: int) -> float:
        assert (model, context_tokens) == ("tiny", 4096)
        self.asked += 1
        await self.free.wait()
        return 0.0

    async def loaded(self, model: str) -> LoadedModel | None:
        return self.model


class Clock:
    """Seconds that pass when told to."""

    now = 1000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def api() -> FakeApi:
    api = FakeApi()
    api.free.set()
    return api


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def answering(api: FakeApi, clock: Clock) -> Answering:
    return Answering(api, SETTINGS, limit_s=0.1, clock=clock)


async def test_a_proof_counts_for_a_while(api: FakeApi, clock: Clock, answering: Answering) -> None:
    for passes, asked in ((0, 1), (EVERY_S - 1, 1), (1, 2), (1, 2)):
        clock.now += passes
        await answering.check()
        assert api.asked == asked


async def test_a_real_answer_counts_as_well(api: FakeApi, clock: Clock, answering: Answering) -> None:
    answering.began()
    answering.ended(answered=True)
    clock.now += EVERY_S - 1
    await answering.check()
    assert api.asked == 0


async def test_a_request_without_an_answer_proves_nothing(api: FakeApi, answering: Answering) -> None:
    answering.began()
    answering.ended(answered=False)
    await answering.check()
    assert api.asked == 1


async def test_nothing_is_asked_beside_a_running_request(api: FakeApi, clock: Clock, answering: Answering) -> None:
    answering.began()
    for _ in range(5):
        clock.now += STALLED_S - 1
        await answering.check()
        answering.heard()
    assert api.asked == 0


async def test_a_request_that_hangs_does_not_hide_a_dead_model(
    api: FakeApi, clock: Clock, answering: Answering
) -> None:
    answering.began()
    clock.now += STALLED_S
    api.free.clear()
    with pytest.raises(ServerError, match=r"model tiny: said nothing within 0\.1 s"):
        await answering.check()


async def test_who_asks_meanwhile_shares_the_answer(api: FakeApi, answering: Answering) -> None:
    api.free.clear()
    checks = [asyncio.create_task(answering.check()) for _ in range(3)]
    await asyncio.sleep(0)
    api.free.set()
    await asyncio.gather(*checks)
    assert api.asked == 1


async def test_after_a_failure_it_is_asked_at_once(api: FakeApi, answering: Answering) -> None:
    api.free.clear()
    with pytest.raises(ServerError):
        await answering.check()
    api.free.set()
    await answering.check()
    assert api.asked == 2


@pytest.mark.parametrize("model", [replace(AS_ASKED, context_tokens=2048), replace(AS_ASKED, digest="sha256:cd")])
async def test_a_model_loaded_otherwise_is_none(api: FakeApi, answering: Answering, model: LoadedModel) -> None:
    api.model = model
    with pytest.raises(ModelError, match=f"{model.context_tokens}|{model.digest}"):
        await answering.check()


async def test_a_model_that_may_go_is_not_kept_loaded(api: FakeApi, clock: Clock) -> None:
    answering = Answering(api, replace(SETTINGS, keep_alive_s=600), clock=clock)
    for model in (AS_ASKED, None):
        api.model = model
        clock.now += EVERY_S
        await answering.check()
    assert api.asked == 0
    api.model = replace(AS_ASKED, context_tokens=2048)
    clock.now += EVERY_S
    with pytest.raises(ModelError, match="has a context of 2048 tokens"):
        await answering.check()


@given(MOMENTS, MOMENTS, MOMENTS, st.integers(0, 3))
def test_a_proof_is_due_when_nothing_else_is_one(now: float, heard: float, proven: float, running: int) -> None:
    due = is_due(Seen(running, heard, proven), now)
    assert due == (now - proven >= EVERY_S and (running == 0 or now - heard >= STALLED_S))
