"""Finds programs the user has installed, and judges whether they are recent enough."""

import os
import re
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

from infra.local.catalogue import Acceptable, Tool, Version

PROBE_SECONDS = 20


@dataclass(frozen=True)
class Found:
    """An installed program and whether it will do."""

    path: Path
    version: str
    refusal: str = ""
    """Why it will not do; empty when it will."""


def find_installed(tool: Tool) -> Found | None:
    """The program of that name on PATH, or None when there is none or no installed one is asked for."""
    if tool.installed is None:
        return None
    where = shutil.which(tool.name)
    if where is None:
        return None
    version = version_of(Path(where), tool.installed)
    return Found(Path(where), _dotted(version), _refusal(version, tool.installed))


def version_of(program: Path, rule: Acceptable) -> Version:
    """The version the program prints; empty when it prints none, fails, or hangs."""
    # Pulumi and others look for a newer release when asked for their version; nothing here may call out.
    environment = {**os.environ, "PULUMI_SKIP_UPDATE_CHECK": "1"}
    try:
        done = subprocess.run(
            [program, *rule.arguments],
            capture_output=True,
            text=True,
            timeout=PROBE_SECONDS,
            env=environment,
            check=True,
        )
    except (OSError, subprocess.SubprocessError):
        return ()
    return parse_version(done.stdout)


def parse_version(text: str) -> Version:
    """The first `major.minor[.patch]` in a program's output; empty when there is none."""
    found = re.search(r"(?<![\w.])v?(\d+)\.(\d+)(?:\.(\d+))?", text)
    return tuple(int(part) for part in found.groups() if part is not None) if found else ()


def _refusal(version: Version, rule: Acceptable) -> str:
    if not version:
        return f"does not tell its version with {' '.join(rule.arguments)!r}"
    if version < rule.at_least:
        return f"older than {_dotted(rule.at_least)}"
    if version >= rule.below:
        return f"not below {_dotted(rule.below)}"
    missing = [name for name in rule.companions if shutil.which(name) is None]
    return f"{' and '.join(missing)} not on PATH beside it" if missing else ""


def _dotted(version: Version) -> str:
    return ".".join(str(part) for part in version) or "unknown"
