"""Proof that the model is the one asked for, loaded as asked, and can speak."""

from runtime.agent.failures import ModelError
from runtime.agent.ollama import LoadedModel, OllamaApi
from runtime.agent.settings import AgentSettings

_NO_CHAT = "does not support chat"


async def prove_loaded(api: OllamaApi, settings: AgentSettings) -> float:
    """Load the model and have it say one token; the seconds loading took.

    Raises ModelError if it can't, or has not the digest and the context length asked for; ServerError if the model
    server does not answer.
    """
    digest = await api.digest(settings.model)
    if digest != settings.model_digest:
        raise ModelError(
            f"model {settings.model}: the model server has {digest or 'none of that name'}, asked for was "
            f"{settings.model_digest}"
        )
    try:
        seconds = await api.speak(settings.model, settings.context_tokens)
    except ModelError as error:
        raise ModelError(f"model {settings.model}: cannot be loaded: {error}{_meaning(str(error))}") from error
    loaded = await api.loaded(settings.model)
    if loaded is None:
        raise ModelError(f"model {settings.model}: answered, but is not loaded")
    require_as_asked(loaded, settings)
    return seconds


def require_as_asked(loaded: LoadedModel, settings: AgentSettings) -> None:
    """Raises ModelError unless the model in memory has the digest and the context length asked for."""
    if loaded.digest != settings.model_digest:
        raise ModelError(f"model {settings.model}: {loaded.digest} is loaded, asked for was {settings.model_digest}")
    if loaded.context_tokens != settings.context_tokens:
        raise ModelError(
            f"model {settings.model}: has a context of {loaded.context_tokens} tokens where "
            f"{settings.context_tokens} were asked for; ask for what the model was trained for at most"
        )


def _meaning(reason: str) -> str:
    """What the model server does not say: for weights it cannot read at all it knows no more than this."""
    return "; its weights are damaged, or not those of a model that chats" if reason.endswith(_NO_CHAT) else ""
