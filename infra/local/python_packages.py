"""The distributions an interpreter has, and the plugins they ask for. Standard library only: also run as a script."""

import importlib.metadata
import json
import re
import sys
from typing import Any

_REQUIREMENT = re.compile(r"^\s*([A-Za-z0-9._-]+)")


def installed() -> list[dict[str, Any]]:
    """`name`, `version`, `requires` (names) and `plugin` (its pulumi-plugin.json or None), one entry a distribution."""
    found: dict[str, dict[str, Any]] = {}
    for distribution in importlib.metadata.distributions():
        name = _canonical(distribution.metadata["Name"] or "")
        found.setdefault(
            name,
            {
                "name": name,
                "version": distribution.version,
                "requires": sorted(
                    {_canonical(match[1]) for match in map(_REQUIREMENT.match, _needs(distribution)) if match}
                ),
                "plugin": _plugin(distribution),
            },
        )
    return sorted(found.values(), key=lambda entry: str(entry["name"]))


def _needs(distribution: importlib.metadata.Distribution) -> list[str]:
    return [requirement for requirement in distribution.requires or () if "extra ==" not in requirement]


def _plugin(distribution: importlib.metadata.Distribution) -> dict[str, Any] | None:
    for file in distribution.files or () if "pulumi" in distribution.metadata["Name"].lower() else ():
        if file.name == "pulumi-plugin.json":
            plugin: dict[str, Any] = json.loads(file.read_text())
            return plugin
    return None


def _canonical(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


if __name__ == "__main__":
    json.dump(installed(), sys.stdout)
