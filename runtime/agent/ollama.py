"""Ollama, the model server: how it is started, and the calls of its API the supervisor needs."""

import asyncio
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import aiohttp
from yarl import URL

from runtime.agent.failures import ModelError, ServerError
from runtime.agent.settings import AgentSettings

PROGRAM = "ollama"
HOST = "127.0.0.1"
_POLL_S = 0.1
_UP_S = 30
"""Seconds Ollama may take until it listens."""
_QUERY_S = 10
"""Seconds a question about its state may take."""
_NANOSECONDS = 1_000_000_000
_OWN_QUESTIONS = ('"/api/version"', '"/api/tags"', '"/api/ps"')


def store_folder(settings: AgentSettings) -> Path:
    """Where on the agent's volume Ollama keeps its model."""
    return settings.places.data / "ollama"


def environment(settings: AgentSettings, path: str) -> dict[str, str]:
    """All that Ollama is told: loopback only, everything it writes on the agent's volume, nothing of ours but PATH.

    One model is loaded at most, for one request at a time, so that its memory is what was asked for; neither the cloud
    nor another model is ever reached for.
    """
    store = store_folder(settings)
    return {
        "PATH": path,
        "HOME": str(store / "home"),
        "OLLAMA_HOST": f"{HOST}:{settings.ports.ollama}",
        "OLLAMA_MODELS": str(store),
        "OLLAMA_CONTEXT_LENGTH": str(settings.context_tokens),
        "OLLAMA_KEEP_ALIVE": str(settings.keep_alive_s),
        "OLLAMA_MAX_LOADED_MODELS": "1",
        "OLLAMA_NUM_PARALLEL": "1",
        "OLLAMA_NO_CLOUD": "1",
        "OLLAMA_NOHISTORY": "1",
        "OLLAMA_NOPRUNE": "1",
        "GIN_MODE": "release",
    }


@dataclass(frozen=True)
class LoadedModel:
    """A model in memory: its digest, as `sha256:<hex>`, and the context length it was loaded with."""

    digest: str
    context_tokens: int


class OllamaApi:
    """Ollama's API on loopback. Calls raise ServerError if it cannot be reached, ModelError if it says no."""

    def __init__(self, session: aiohttp.ClientSession, port: int) -> None:
        self._session = session
        self._base = URL(f"http://{HOST}:{port}")

    async def wait_until_up(self) -> None:
        """Raises ServerError if it does not listen in time."""
        try:
            async with asyncio.timeout(_UP_S):
                while not await self._is_up():  # noqa: ASYNC110  # another process's port: there is no event to await
                    await asyncio.sleep(_POLL_S)
        except TimeoutError:
            raise ServerError(f"the model server did not listen within {_UP_S} s") from None

    async def _is_up(self) -> bool:
        try:
            await self._call("GET", "/api/version", timeout_s=_QUERY_S)
        except ServerError:
            return False
        return True

    async def digest(self, model: str) -> str | None:
        """The digest of a model it has, None if it has no such model."""
        found = await self._call("GET", "/api/tags", timeout_s=_QUERY_S)
        return next((_digest(entry) for entry in found["models"] if _is_named(entry, model)), None)

    async def loaded(self, model: str) -> LoadedModel | None:
        """The model as it is in memory, None if it isn't."""
        found = await self._call("GET", "/api/ps", timeout_s=_QUERY_S)
        entry = next((entry for entry in found["models"] if _is_named(entry, model)), None)
        return None if entry is None else LoadedModel(_digest(entry), entry["context_length"])

    async def speak(self, model: str, context_tokens: int) -> float:
        """Have the model say one token, the way OpenClaw asks it to, which loads it; the seconds loading took.

        A request's own context length goes before what the model or Ollama's environment say, and one that differs
        from the loaded model's makes Ollama load it anew.
        """
        question = {
            "model": model,
            "messages": [{"role": "user", "content": "Hello"}],
            "options": {"num_ctx": context_tokens, "num_predict": 1},
            "stream": False,
        }
        answer = await self._call("POST", "/api/chat", question)
        if not answer.get("eval_count"):
            raise ModelError(f"model {model}: said nothing")
        return float(answer["load_duration"]) / _NANOSECONDS

    async def _call(
        self, method: str, path: str, body: Mapping[str, Any] | None = None, timeout_s: float | None = None
    ) -> dict[str, Any]:
        try:
            async with (
                asyncio.timeout(timeout_s),
                self._session.request(method, self._base.with_path(path), json=body) as answer,
            ):
                text = await answer.read()
        except (aiohttp.ClientError, TimeoutError) as error:
            raise ServerError(f"the model server does not answer {path}: {type(error).__name__}") from error
        if answer.status != 200:
            raise ModelError(f"the model server says {answer.status} to {path}: {_reason(text)}")
        found: dict[str, Any] = json.loads(text)
        return found


def _is_named(entry: Mapping[str, Any], model: str) -> bool:
    return entry["name"] in (model, f"{model}:latest")


def _digest(entry: Mapping[str, Any]) -> str:
    return f"sha256:{entry['digest']}"


def _reason(text: bytes) -> str:
    """The error in an answer."""
    try:
        return str(json.loads(text)["error"])
    except (ValueError, KeyError, TypeError):
        return text[:300].decode(errors="replace")


def is_own_question(line: str) -> bool:
    """Is this line of its log about the supervisor asking for its state? Nobody else gets to ask that."""
    return line.startswith("[GIN]") and any(question in line for question in _OWN_QUESTIONS)
