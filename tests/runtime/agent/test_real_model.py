"""The agent's model in the real model server: installed, proven, and asked whether it answers."""

import signal
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path

import aiohttp
import psutil
import pytest

from runtime.agent.failures import AgentError, ModelError, ServerError
from runtime.agent.model.answering import Answering
from runtime.agent.model.install import install
from runtime.agent.model.loading import prove_loaded
from runtime.agent.ollama import OllamaApi, store_folder
from runtime.agent.settings import AgentSettings, Places, Ports
from runtime.model.artifact import NAME, write_artifact
from runtime.model.store import (
    PARAMETERS_TYPE,
    WEIGHTS_TYPE,
    Manifest,
    blob_path,
    canonical,
    find_manifest,
    write_blob,
    write_manifest,
)
from tests.loopback import free_port
from tests.runtime.model.server import Server, serving
from tests.waiting import eventually

pytestmark = pytest.mark.image

CONTEXT = 4096
TRAINED = 65_536


@pytest.fixture(scope="module")
def source(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("source")
    write_artifact(folder)
    return folder


@pytest.fixture
def settings(source: Path, tmp_path: Path) -> AgentSettings:
    digest = write_artifact(source)
    places = Places(data=tmp_path, model=source)
    return AgentSettings(
        "acme", "helper", NAME, digest, CONTEXT, CONTEXT // 2, places=places, ports=Ports(ollama=free_port())
    )


@pytest.fixture
def server(settings: AgentSettings) -> Iterator[Server]:
    install(settings)
    with serving(settings) as server:
        yield server


@asynccontextmanager
async def api_of(settings: AgentSettings) -> AsyncIterator[OllamaApi]:
    async with aiohttp.ClientSession() as session:
        yield OllamaApi(session, settings.ports.ollama)


def variant(settings: AgentSettings, media_type: str, content: bytes) -> AgentSettings:
    """The same with another model in the source: the scripted one, but for one layer."""
    source = settings.places.model
    given = find_manifest(source, settings.model_digest)
    layers = tuple(
        write_blob(source, media_type, content) if layer.media_type == media_type else layer for layer in given.layers
    )
    return replace(settings, model="variant", model_digest=write_manifest(source, "variant", given.config, layers))


async def test_the_model_asked_for_is_loaded_as_asked(settings: AgentSettings, server: Server) -> None:
    async with api_of(settings) as api:
        seconds = await prove_loaded(api, settings)
        again = await prove_loaded(api, settings)
    assert 0 < again < seconds < 60
    [model] = server.loaded()
    assert f"sha256:{model['digest']}" == settings.model_digest
    assert model["context_length"] == CONTEXT
    assert int(model["expires_at"][:4]) > 2200
    log = (settings.places.data / "ollama.log").read_text()
    assert "cloud disabled: true" in log


async def test_another_model_than_asked_for_is_refused(settings: AgentSettings, server: Server) -> None:
    async with api_of(settings) as api:
        asked = f"sha256:{'0' * 64}"
        with pytest.raises(ModelError, match=f"has {settings.model_digest}, asked for was {asked}"):
            await prove_loaded(api, replace(settings, model_digest=asked))
        with pytest.raises(ModelError, match="has none of that name"):
            await prove_loaded(api, replace(settings, model="other"))
    assert server.loaded() == []


async def test_more_context_than_the_model_was_trained_for_is_refused(settings: AgentSettings) -> None:
    wish = replace(settings, context_tokens=2 * TRAINED)
    install(wish)
    with serving(wish):
        async with api_of(wish) as api:
            with pytest.raises(ModelError, match=f"has a context of {TRAINED} tokens where {2 * TRAINED} were asked"):
                await prove_loaded(api, wish)


async def test_whose_context_length_counts(settings: AgentSettings) -> None:
    """The request's before the model's own before the environment's; another one loads the model anew."""
    own = variant(settings, PARAMETERS_TYPE, canonical({"num_ctx": 2048}))
    install(replace(own, context_tokens=2048))
    with serving(own) as server:
        async with api_of(own) as api:
            server.client.post("/api/chat", json={"model": own.model, "messages": [{"role": "user", "content": "Hi"}]})
            assert [model["context_length"] for model in server.loaded()] == [2048]
            before = server.runner()
            await prove_loaded(api, own)
            assert [model["context_length"] for model in server.loaded()] == [CONTEXT]
            assert server.runner() != before


def half(weights: bytes) -> bytes:
    return weights[: len(weights) // 2]


@pytest.mark.parametrize(
    ("change", "says"),
    [
        (lambda _: b"GGUF nonsense", "its weights are damaged, or not those of a model that chats"),
        (lambda _: b"", "its weights are damaged, or not those of a model that chats"),
        (half, "exceeds file size"),
    ],
    ids=["nonsense", "empty", "half"],
)
async def test_weights_that_cannot_be_loaded_are_an_error_with_the_reason(
    change: Callable[[bytes], bytes], says: str, settings: AgentSettings
) -> None:
    manifest = find_manifest(settings.places.model, settings.model_digest)
    bad = variant(settings, WEIGHTS_TYPE, change(weights(settings, manifest)))
    install(bad)
    with serving(bad):
        async with api_of(bad) as api:
            with pytest.raises(AgentError) as failed:
                await prove_loaded(api, bad)
    assert isinstance(failed.value, ModelError)
    assert says in str(failed.value)


def weights(settings: AgentSettings, manifest: Manifest) -> bytes:
    [layer] = [layer for layer in manifest.layers if layer.media_type == WEIGHTS_TYPE]
    return blob_path(settings.places.model, layer.digest).read_bytes()


async def test_a_model_that_hangs_is_noticed_and_forgiven(settings: AgentSettings, server: Server) -> None:
    async with api_of(settings) as api:
        answering = Answering(api, settings, limit_s=1, every_s=0)
        await answering.check()
        hangs = server.runner()
        hangs.send_signal(signal.SIGSTOP)
        with pytest.raises(ServerError, match="said nothing within 1 s"):
            await answering.check()
        hangs.send_signal(signal.SIGCONT)
        await answering.check()
    assert server.runner() == hangs


async def test_a_model_that_died_is_loaded_again(settings: AgentSettings, server: Server) -> None:
    async with api_of(settings) as api:
        await prove_loaded(api, settings)
        died = server.runner()
        died.kill()
        psutil.wait_procs([died], timeout=10)
        await Answering(api, settings).check()
    assert server.runner() != died


async def test_a_model_nobody_asks_is_unloaded_and_left_so(settings: AgentSettings) -> None:
    brief = replace(settings, keep_alive_s=1)
    install(brief)
    with serving(brief) as server:
        async with api_of(brief) as api:
            answering = Answering(api, brief, every_s=0)
            await prove_loaded(api, brief)
            await answering.check()
            eventually(lambda: not server.loaded(), "the model is unloaded")
            await answering.check()
        assert server.loaded() == []


async def test_a_silent_server_is_an_error(settings: AgentSettings) -> None:
    async with api_of(settings) as api:
        with pytest.raises(ServerError, match="does not answer /api/tags"):
            await prove_loaded(api, settings)


def test_the_store_is_the_agents_own(settings: AgentSettings, server: Server) -> None:
    assert store_folder(settings) == settings.places.data / "ollama"
    assert {model["name"] for model in server.client.get("/api/tags").json()["models"]} == {f"{NAME}:latest"}
