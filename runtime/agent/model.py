"""The agent's model: made of its source once, then kept on the agent's volume."""

import asyncio
import hashlib
import json
import logging
from dataclasses import asdict, dataclass
from pathlib import Path

from runtime.agent.failures import ModelError
from runtime.agent.ollama import OllamaApi, create_command
from runtime.agent.process import Child
from runtime.agent.settings import AgentSettings
from runtime.http.log import event

_log = logging.getLogger("model")


@dataclass(frozen=True)
class Made:
    """A model that was made: of what, and the digest the model server gave it."""

    source: str
    digest: str


async def ensure_model(api: OllamaApi, settings: AgentSettings, environ: dict[str, str]) -> None:
    """Make the model of its source, unless this very model is already there. Raises ModelError, ServerError."""
    source = await asyncio.to_thread(fingerprint, settings)
    digest = await api.digest(settings.model)
    if digest is not None and _read_made(settings) == Made(source, digest):
        event(_log, logging.INFO, "model is there", model=settings.model, digest=digest)
        return
    await _create(settings, environ)
    await api.set_context(settings.model, settings.context_tokens)
    digest = await api.digest(settings.model)
    if digest is None:
        raise ModelError(f"model {settings.model}: was made, but the model server does not have it")
    _made_file(settings).write_text(json.dumps(asdict(Made(source, digest))))
    event(_log, logging.INFO, "model made", model=settings.model, digest=digest)


async def load_model(api: OllamaApi, settings: AgentSettings) -> None:
    """Load the model and have it say one token. Raises ModelError if it can't, or has not the context asked for."""
    await api.speak(settings.model)
    loaded = await api.loaded(settings.model)
    if loaded is None:
        raise ModelError(f"model {settings.model}: answered, but is not loaded")
    if loaded.context_tokens != settings.context_tokens:
        raise ModelError(
            f"model {settings.model}: has a context of {loaded.context_tokens} tokens where "
            f"{settings.context_tokens} were asked for; ask for what the model was trained for at most"
        )


def fingerprint(settings: AgentSettings) -> str:
    """What the model is made of: its name, the context length, and every file of its source. Raises ModelError.

    Files are read whole, since an image gives all of them the same time; the model server then finds them in the page
    cache.
    """
    found = hashlib.sha256(f"{settings.model}\n{settings.context_tokens}\n".encode())
    try:
        for path in sorted(settings.model_source.iterdir()):
            with path.open("rb") as file:
                found.update(f"{path.name} {hashlib.file_digest(file, 'sha256').hexdigest()}\n".encode())
    except OSError as error:
        raise ModelError(f"model source {settings.model_source}: {error.strerror}: {error.filename}") from error
    return found.hexdigest()


async def _create(settings: AgentSettings, environ: dict[str, str]) -> None:
    child = await Child.start(create_command(settings.model, settings.model_source), environ, settings.model_source)
    try:
        status = await child.wait()
    finally:
        await child.stop()
    if status != 0:
        raise ModelError(f"model {settings.model}: could not be made of {settings.model_source}: {child.tail}")


def _made_file(settings: AgentSettings) -> Path:
    return settings.data_dir / "model.json"


def _read_made(settings: AgentSettings) -> Made | None:
    try:
        return Made(**json.loads(_made_file(settings).read_text()))
    except (OSError, ValueError, TypeError):
        return None
