"""The stack file `make up` runs with: the committed one, plus what only this machine knows."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml

from infra.local.credentials import write_private
from infra.settings import SECRETS
from infra.stack_yaml import dump

SECRET_SETTINGS = tuple(f"moltghost:{name}" for name in SECRETS)


def merge(base: Mapping[str, Any], overlay: Mapping[str, Any]) -> dict[str, Any]:
    """`base` with `overlay` laid over it: mappings merge key by key, anything else is replaced."""
    merged = dict(base)
    for key, value in overlay.items():
        below = merged.get(key)
        merged[key] = merge(below, value) if isinstance(below, Mapping) and isinstance(value, Mapping) else value
    return merged


def write_stack_file(committed: Path, overlay: Mapping[str, Any], target: Path) -> set[str]:
    """Write `target`; secrets it already holds, and the salt they are encrypted with, are kept.

    Returns the secret settings it still lacks.
    """
    stack = yaml.safe_load(committed.read_text())
    kept = yaml.safe_load(target.read_text()) if target.exists() else {}
    held = {key: value for key, value in (kept.get("config") or {}).items() if key in SECRET_SETTINGS}
    stack["config"] = merge(merge(stack.get("config") or {}, overlay), held)
    for field in ("encryptionsalt", "secretsprovider"):
        if field in kept:
            stack[field] = kept[field]
    text = dump(stack)
    if not target.exists() or target.read_text() != text:
        write_private(target, text)
    return set(SECRET_SETTINGS) - set(held)
