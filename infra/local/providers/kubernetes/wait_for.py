"""The annotation `pulumi.com/waitFor`: `condition=Ready`, `jsonpath={.status.phase}=Running`, or a list of them."""

import json
import re
from collections.abc import Mapping
from typing import Any

from infra.local.providers.base import ProviderError
from infra.local.providers.kubernetes.ready import condition

_STEP = re.compile(
    r"""\.?([A-Za-z_$][\w-]*)|\.?\[(\d+)\]|\.?\[['"]([^'"]+)['"]\]|\[\?\(@\.([\w-]+)\s*==\s*['"]([^'"]*)['"]\)\]"""
)


def missing_for(expressions: str, live: Mapping[str, Any]) -> str | None:
    """What a live object still lacks to satisfy all expressions. Raises `ProviderError` for one that can't be read."""
    for expression in _expressions(expressions):
        if not _holds(expression, live):
            return f"waiting for {expression}"
    return None


def _expressions(text: str) -> list[str]:
    if not text.lstrip().startswith("["):
        return [text]
    try:
        return [str(expression) for expression in json.loads(text)]
    except ValueError:
        raise ProviderError(f"metadata.annotations: pulumi.com/waitFor {text!r} is not a JSON list") from None


def _holds(expression: str, live: Mapping[str, Any]) -> bool:
    if match := re.fullmatch(r"condition=([^=]+)(?:=(.+))?", expression.strip()):
        return str(condition(live, match[1]).get("status", "")).lower() == (match[2] or "True").lower()
    if match := re.fullmatch(r"jsonpath='?\{(.+?)\}'?(?:={1,2}(.+))?", expression.strip()):
        found = _walk(live, match[1])
        return found is not None and (match[2] is None or _text(found) == match[2].strip("'\""))
    raise ProviderError(
        f"metadata.annotations: pulumi.com/waitFor {expression!r} is neither condition=NAME nor "
        "jsonpath={.path}[=value]"
    )


def _walk(value: Any, path: str) -> Any:
    position = 0
    while position < len(path):
        match = _STEP.match(path, position)
        if not match:
            raise ProviderError(
                f"metadata.annotations: pulumi.com/waitFor has a JSONPath beyond what is read here: {path!r}"
            )
        value, position = _step(value, match), match.end()
    return value


def _step(value: Any, match: "re.Match[str]") -> Any:
    name, index = match[1] or match[3], match[2]
    if name:
        return value.get(name) if isinstance(value, Mapping) else None
    if not isinstance(value, list):
        return None
    if index:
        return value[int(index)] if int(index) < len(value) else None
    return next((item for item in value if _text(item.get(match[4])) == match[5]), None)


def _text(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)
