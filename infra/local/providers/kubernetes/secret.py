"""A Secret's contents: declared as text or in base64, kept by the server in base64 only."""

import base64
import binascii
from collections.abc import Mapping
from typing import Any

from infra.local.providers.kubernetes import manifest
from infra.local.providers.properties import Properties


def declared_part(inputs: Properties, live: Mapping[str, Any]) -> Properties:
    """`manifest.declared_part`, with `stringData` read back from `data`."""
    texts = inputs.get("stringData")
    if live.get("kind") == "Secret" and isinstance(texts, Mapping):
        live = {**live, "stringData": {key: _text(value) for key, value in (live.get("data") or {}).items()}}
    part: Properties = manifest.declared_part(inputs, live)
    return part


def _text(encoded: str) -> str | None:
    try:
        return base64.b64decode(encoded).decode()
    except (binascii.Error, UnicodeDecodeError):
        return None
