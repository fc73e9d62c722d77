"""What is wrong with a stack's config, said so that its reader can mend it."""

import json
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

NAMESPACE = "moltghost"
_LONGEST_VALUE = 80
_NOTHING = object()

_SECRET_TEXTS = {
    "an API key": re.compile(r"mg_[a-z0-9-]+_\S{8,}"),
    "a webhook's secret": re.compile(r"whsec_\S{8,}"),
    "a private key": re.compile(r"-----BEGIN [A-Z ]*PRIVATE KEY-----"),
    "a private JWK": re.compile(r'"kty".*"d"\s*:|"d"\s*:.*"kty"', re.DOTALL),
    "an AWS access key": re.compile(r"\b(AKIA|ASIA)[0-9A-Z]{16}\b"),
}


def secret_in(value: object) -> str | None:
    """What kind of secret a value is in plain text; None if it doesn't look like one."""
    if isinstance(value, str):
        return next((kind for kind, pattern in _SECRET_TEXTS.items() if pattern.search(value)), None)
    if isinstance(value, Mapping) and "kty" in value and "d" in value:
        return "a private JWK"
    return None


@dataclass(frozen=True)
class Problem:
    """One thing wrong: where, what was found there, what is wrong with it, and what to do.

    `path` is a place in the YAML file (`moltghost:tenants[0].id`). `value` is left out where there is none, or where it
    may be a secret. `involves` are further places the verdict rests on.
    """

    path: str
    message: str
    remedy: str
    value: object = _NOTHING
    involves: tuple[str, ...] = ()

    def text(self, lines: Mapping[str, int]) -> str:
        """One line for people; `lines` maps paths to line numbers where they are known."""
        line = next((lines[path] for path in ancestors(self.path) if path in lines), None)
        place = f"{self.path} (line {line})" if line is not None else self.path
        found = "" if self.value is _NOTHING else f" = {shown(self.value)}"
        return f"{place}{found}: {self.message}. {self.remedy}"


class ConfigError(Exception):
    """A stack's config is not usable. `problems` are all of them, in the order of the file."""

    def __init__(self, source: str, problems: Sequence[Problem], lines: Mapping[str, int] | None = None) -> None:
        known = lines or {}
        self.problems = sorted(problems, key=lambda problem: _position(problem.path, known))
        noun = "problem" if len(problems) == 1 else "problems"
        listed = "\n".join(f"  - {problem.text(known)}" for problem in self.problems)
        super().__init__(f"{source}: {len(problems)} {noun}\n{listed}")


def _position(path: str, lines: Mapping[str, int]) -> tuple[int, str]:
    return next((lines[above] for above in ancestors(path) if above in lines), 0), path


def shown(value: object) -> str:
    """A value as it may be printed: never a secret's, never longer than a line."""
    if _holds_secret(value):
        return "(not shown)"
    text = json.dumps(value, default=str, ensure_ascii=False)
    return text if len(text) <= _LONGEST_VALUE else f"{text[:_LONGEST_VALUE]}…"


def _holds_secret(value: object) -> bool:
    if secret_in(value):
        return True
    if isinstance(value, Mapping):
        return "secure" in value or any(_holds_secret(item) for item in value.values())
    if isinstance(value, list | tuple):
        return any(_holds_secret(item) for item in value)
    return False


def path_of(location: Iterable[str | int]) -> str:
    """`("tenants", 0, "id")` -> `moltghost:tenants[0].id`."""
    path = f"{NAMESPACE}:"
    for step in location:
        if isinstance(step, int):
            path += f"[{step}]"
        else:
            path += step if path.endswith(":") else f".{step}"
    return path


def ancestors(path: str) -> list[str]:
    """A path and the places around it, innermost first."""
    places = [path]
    while match := re.search(r"(\.[^.\[\]]+|\[\d+\])$", path):
        path = path[: match.start()]
        places.append(path)
    return places


def scan_for_secrets(value: Any, location: tuple[str | int, ...] = ()) -> list[Problem]:
    """Every secret in plain text under `value`, wherever it hides."""
    kind = secret_in(value)
    if kind:
        return [
            Problem(
                path_of(location),
                f"this is {kind} in plain text",
                "Take it out, revoke it, and keep its successor with `pulumi config set --secret`",
            )
        ]
    if isinstance(value, Mapping):
        return [found for key, item in value.items() for found in scan_for_secrets(item, (*location, str(key)))]
    if isinstance(value, list):
        return [found for index, item in enumerate(value) for found in scan_for_secrets(item, (*location, index))]
    return []
