"""The samples of `samples.yaml`, read strictly."""

import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from runtime.contract import paths

LAYERS = ("rule", "worker", "gateway", "door")
CHAT = {"model": "helper", "messages": [{"role": "user", "content": "hello"}]}
FILE = Path(__file__).with_name("samples.yaml")


@dataclass(frozen=True)
class Sample:
    """One request, and who refuses it: the layer, and by what; `by` is empty where it is allowed."""

    owasp: str
    why: str
    layer: str
    by: str = ""
    method: str = "POST"
    path: str = paths.CHAT_COMPLETIONS
    headers: dict[str, str | None] = field(default_factory=dict)
    token: str = "good"
    scheme: str = "Bearer"
    chunked: bool = False
    content: bytes | None = None

    @property
    def id(self) -> str:
        """Names a test."""
        return f"{self.owasp} {self.layer}: {self.why}"


@dataclass(frozen=True)
class Class:
    """One class of the Top 10."""

    id: str
    name: str
    refused: tuple[Sample, ...]
    allowed: tuple[Sample, ...]


def read_classes() -> list[Class]:
    """All of them, in the file's order. Raises TypeError for a key nobody knows."""
    classes = yaml.safe_load(FILE.read_text())
    return [
        Class(
            id=one["class"],
            name=one["name"],
            refused=tuple(_sample(one["class"], each) for each in one["refused"]),
            allowed=tuple(_sample(one["class"], each) for each in one["allowed"]),
        )
        for one in classes
    ]


def _sample(owasp: str, said: dict[str, Any]) -> Sample:
    rest = dict(said)
    content: bytes | None = _content(rest)
    if length := rest.pop("long_path", 0):
        rest["path"] = f"{paths.MODELS}?after=" + "a" * length
    if rest.get("method", "POST") != "POST":
        content = None
    return Sample(owasp=owasp, content=content, **rest)


def _content(said: dict[str, Any]) -> bytes:
    if "raw" in said:
        return str(said.pop("raw")).encode("utf-8", "surrogateescape")
    body: dict[str, Any] = said.pop("body", CHAT)
    if users := said.pop("user", 0):
        body = {**CHAT, "user": "u" * users}
    depth: int = said.pop("deep", 0)
    if depth:
        return b'{"model": "helper", "messages": ' + b"[" * depth + b"]" * depth + b"}"
    text = json.dumps(body, ensure_ascii=False).encode()
    length = int(said.pop("bytes", len(text)))
    return text.ljust(length)
