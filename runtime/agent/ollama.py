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
from runtime.contract import paths

PROGRAM = "ollama"
HOST = "127.0.0.1"
_POLL_S = 0.1
_UP_S = 30
"""Seconds Ollama may take until it listens."""
_QUERY_S = 10
"""Seconds a question about its state may take."""


def environment(settings: AgentSettings, path: str) -> dict[str, str]:
    """All that Ollama is told: loopback only, everything it writes on the agent's volume, nothing of ours but PATH.

    The model stays loaded for good, and neither the cloud nor another model is ever reached for.
    """
    return {
        "PATH": path,
        "HOME": str(settings.data_dir / "home"),
        "OLLAMA_HOST": f"{HOST}:{settings.model_port}",
        "OLLAMA_MODELS": str(settings.data_dir / "models"),
        "OLLAMA_CONTEXT_LENGTH": str(settings.context_tokens),
        "OLLAMA_KEEP_ALIVE": "-1",
        "OLLAMA_MAX_LOADED_MODELS": "1",
        "OLLAMA_NO_CLOUD": "1",
        "OLLAMA_NOHISTORY": "1",
        "OLLAMA_NOPRUNE": "1",
        "GIN_MODE": "release",
    }


@dataclass(frozen=True)
class LoadedModel:
    """A model in memory, and the context length it was loaded with."""

    name: str
    context_tokens: int


class OllamaApi:
    """Ollama's API on loopback. Calls raise ServerError if it cannot be reached, ModelError if it says no."""

    def __init__(self, session: aiohttp.ClientSession, port: int) -> None:
        self._session = session
        self._base = URL(f"http://{HOST}:{port}")

    @property
    def chat_url(self) -> URL:
        """Where chats go, in OpenAI's form."""
        return self._base.with_path(paths.CHAT_COMPLETIONS)

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
        return next((str(entry["digest"]) for entry in found["models"] if _is_named(entry, model)), None)

    async def loaded(self, model: str) -> LoadedModel | None:
        """The model as it is in memory, None if it isn't."""
        found = await self._call("GET", "/api/ps", timeout_s=_QUERY_S)
        entry = next((entry for entry in found["models"] if _is_named(entry, model)), None)
        return None if entry is None else LoadedModel(entry["name"], entry["context_length"])

    async def set_context(self, model: str, tokens: int) -> None:
        """Make `tokens` the model's own context length, so that every request has it."""
        change = {"model": model, "from": model, "parameters": {"num_ctx": tokens}, "stream": False}
        await self._call("POST", "/api/create", change)

    async def speak(self, model: str) -> None:
        """Have the model say one token, the way clients ask it to; this loads it."""
        question = {"model": model, "messages": [{"role": "user", "content": "Hello"}], "max_tokens": 1}
        answer = await self._call("POST", paths.CHAT_COMPLETIONS, question)
        if not answer["choices"]:
            raise ModelError("the model answered nothing")

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


def _reason(text: bytes) -> str:
    """The error in an answer, in either of the two shapes Ollama has for one."""
    try:
        error = json.loads(text)["error"]
    except (ValueError, KeyError, TypeError):
        return text[:300].decode(errors="replace")
    return str(error["message"] if isinstance(error, dict) else error)


def is_own_question(line: str) -> bool:
    """Is this line of its log about one of the supervisor's own calls? Clients never get to call `/api`."""
    return line.startswith("[GIN]") and '"/api/' in line


def create_command(model: str, source: Path) -> tuple[str, ...]:
    """The command that makes a model of the Modelfile in `source`."""
    return (PROGRAM, "create", model, "-f", str(source / "Modelfile"))
