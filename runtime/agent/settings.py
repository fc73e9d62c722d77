"""What an agent is told: by its environment, and by the files mounted beside it."""

import base64
import binascii
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from runtime.contract import env, image, ports
from runtime.http.environment import Reader

_DIGEST = re.compile(r"sha256:[0-9a-f]{64}")
_KEY_BYTES = 32


@dataclass(frozen=True)
class Places:
    """Where in the pod things are: `data` and `run` can be written, all others are read-only."""

    data: Path = Path(image.DATA_DIR)
    run: Path = Path(image.RUN_DIR)
    model: Path = Path(image.MODEL_DIR)
    config: Path = Path(image.CONFIG_DIR)
    secrets: Path = Path(image.SECRETS_DIR)
    skills: Path = Path(image.SKILLS_DIR)


@dataclass(frozen=True)
class Ports:
    """TCP ports: the door and the probes on the pod's network, OpenClaw and the model server on loopback."""

    door: int = ports.AGENT
    ops: int = ports.AGENT_OPS
    openclaw: int = ports.OPENCLAW
    ollama: int = ports.OLLAMA


@dataclass(frozen=True)
class AgentSettings:
    """Whose agent this is, and which model it runs.

    `model_digest` is `sha256:…` of the model's manifest, `context_tokens` the context length the model is loaded with,
    `max_tokens` that of the longest answer, `keep_alive_s` the seconds it stays loaded unasked (-1 for good).
    `skills_key` is the raw public Ed25519 key the skills are signed with, `skills_digest` the SHA-256 (hex) of their
    manifest; both are None where there are none. `resume_from` is where its latest state is, if it is in two regions.
    """

    tenant: str
    agent: str
    model: str
    model_digest: str
    context_tokens: int
    max_tokens: int
    keep_alive_s: int = -1
    skills_key: bytes | None = None
    skills_digest: str | None = None
    resume_from: str | None = None
    places: Places = field(default_factory=Places)
    ports: Ports = field(default_factory=Ports)


def read_settings(environ: Mapping[str, str], places: Places, ports: Ports) -> AgentSettings:
    """Raises SettingsError, naming every variable that is missing or wrong."""
    reader = Reader(environ)
    has_skills = env.SKILLS_KEY in environ or env.SKILLS_DIGEST in environ
    settings = AgentSettings(
        tenant=reader.read(env.TENANT, str, ""),
        agent=reader.read(env.AGENT, str, ""),
        model=reader.read(env.MODEL, str, ""),
        model_digest=reader.read(env.MODEL_DIGEST, _digest, ""),
        context_tokens=reader.read(env.CONTEXT_TOKENS, _positive, 0),
        max_tokens=reader.read(env.MAX_TOKENS, _positive, 0),
        keep_alive_s=reader.read(env.KEEP_ALIVE_S, _seconds_or_for_good, 0),
        skills_key=reader.read(env.SKILLS_KEY, _key, None) if has_skills else None,
        skills_digest=reader.read(env.SKILLS_DIGEST, _sha256, None) if has_skills else None,
        resume_from=reader.read(env.RESUME_FROM, _folder, None) if env.RESUME_FROM in environ else None,
        places=places,
        ports=ports,
    )
    reader.require()
    return settings


def _digest(text: str) -> str:
    if _DIGEST.fullmatch(text) is None:
        raise ValueError("expected sha256: and 64 hex digits")
    return text


def _sha256(text: str) -> str | None:
    if re.fullmatch(r"[0-9a-f]{64}", text) is None:
        raise ValueError("expected 64 hex digits")
    return text


def _folder(text: str) -> str | None:
    if re.fullmatch(r"s3://[a-z0-9][-.a-z0-9]+/[-.a-z0-9]+/", text) is None:
        raise ValueError("expected s3://<bucket>/<agent>/")
    return text


def _positive(text: str) -> int:
    if not text.isascii() or not text.isdigit() or int(text) == 0:
        raise ValueError("expected a whole number above 0")
    return int(text)


def _seconds_or_for_good(text: str) -> int:
    if text == "-1":
        return -1
    try:
        return _positive(text)
    except ValueError:
        raise ValueError("expected a whole number of seconds above 0, or -1 for good") from None


def _key(text: str) -> bytes | None:
    try:
        key = base64.b64decode(text, validate=True)
    except binascii.Error:
        raise ValueError("expected base64") from None
    if len(key) != _KEY_BYTES:
        raise ValueError(f"expected {_KEY_BYTES} bytes in base64")
    return key
