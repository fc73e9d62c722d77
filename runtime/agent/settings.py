"""What an agent is told by its environment."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from runtime.contract import env, ports
from runtime.http.edge_token import load_keys
from runtime.http.environment import Reader


@dataclass(frozen=True)
class AgentSettings:
    """Whose agent this is, which model it runs from where, and the keys edge tokens are verified with.

    `context_tokens` is the context length the model is loaded with, `data_dir` the agent's own volume, `model_port` the
    model server's port on loopback.
    """

    tenant: str
    agent: str
    keys: Mapping[str, Ed25519PublicKey]
    model: str
    model_source: Path
    context_tokens: int
    data_dir: Path
    model_port: int = ports.OLLAMA


def read_settings(environ: Mapping[str, str]) -> AgentSettings:
    """Raises SettingsError, naming every variable that is missing or wrong."""
    reader = Reader(environ)
    settings = AgentSettings(
        tenant=reader.read(env.TENANT, str, ""),
        agent=reader.read(env.AGENT, str, ""),
        keys=reader.read(env.EDGE_KEYS, load_keys, {}),
        model=reader.read(env.MODEL, str, ""),
        model_source=reader.read(env.MODEL_SOURCE, Path, Path()),
        context_tokens=reader.read(env.CONTEXT_TOKENS, _positive, 0),
        data_dir=reader.read(env.DATA_DIR, Path, Path()),
    )
    reader.require()
    return settings


def _positive(text: str) -> int:
    if not text.isascii() or not text.isdigit() or int(text) == 0:
        raise ValueError("expected a whole number above 0")
    return int(text)
