"""What of one request must stay secret, in its answer and in its errors."""

import base64
from collections.abc import Iterable

from google.protobuf import struct_pb2

from infra.local.providers.base import Kind
from infra.local.providers.properties import SHORTEST_SECRET, Decoded, Marks, Path, Properties, encode, secret_texts


class Secrets:
    """The secrets of one request: paths to mark in its answer, and texts to mark or scrub wherever they turn up.

    The last side is the request's inputs: what is public there stays so.
    """

    def __init__(self, settings: Iterable[str], *sides: Decoded) -> None:
        self.paths: frozenset[Path] = frozenset().union(*(side.secrets for side in sides))
        texts = {text for side in sides for text in secret_texts(side)} | set(settings)
        self.texts = frozenset(text for text in texts if len(text) >= SHORTEST_SECRET)
        self.public = sides[-1].value

    def encode(self, value: Properties, kind: Kind | None = None) -> struct_pb2.Struct:
        """The struct of `value`, with everything secret marked."""
        always = {(key,) for key in kind.secret_outputs} if kind else set()
        return encode(value, Marks(self.paths | always, self.texts, self.public))

    def scrub(self, text: str) -> str:
        """`text` without any secret, plain or in base64."""
        for secret in sorted(self.texts, key=len, reverse=True):
            for form in (secret, base64.b64encode(secret.encode()).decode()):
                text = text.replace(form, "[secret]")
        return text
