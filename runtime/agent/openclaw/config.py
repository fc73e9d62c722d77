"""OpenClaw's configuration at a start: the platform's part, merged with what the agent changed, in its live place."""

import json
import logging
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from runtime.agent.failures import AgentError
from runtime.agent.openclaw.ownership import merge
from runtime.agent.settings import AgentSettings, Places, Ports
from runtime.contract import image
from runtime.http.log import event

LIVE_FILE = "openclaw.json"
"""In OpenClaw's folder: what it runs with, and writes to."""
PLATFORM_FILE = "platform.json"
"""Beside it: the platform's part it was made from, to tell the agent's changes from the platform's."""
BROKEN_SUFFIX = ".broken"
LOOPBACK = "127.0.0.1"
_LARGEST = 1 << 20
_OWNERS = 0o600
_OWNERS_FOLDER = 0o700

_log = logging.getLogger("openclaw")


@dataclass(frozen=True)
class OpenClawFiles:
    """Where OpenClaw's own files are on the agent's volume."""

    folder: Path

    @classmethod
    def of(cls, places: Places) -> "OpenClawFiles":
        """Those of an agent."""
        return cls(places.data / image.OPENCLAW_DIR)

    @property
    def live(self) -> Path:
        """The configuration it runs with."""
        return self.folder / LIVE_FILE

    @property
    def platform(self) -> Path:
        """The platform's part of that."""
        return self.folder / PLATFORM_FILE


def write_config(settings: AgentSettings) -> Path:
    """Write the configuration OpenClaw starts with; each conflict is logged by its path.

    Raises AgentError where the platform's part is missing or no JSON, OSError where nothing can be written.
    """
    places = settings.places
    files = OpenClawFiles.of(places)
    platform = placed(_read_platform(places.config / image.OPENCLAW_CONFIG_FILE), places, settings.ports)
    config, notes = merge(platform, _read_live(files.live), _read_live(files.platform))
    for note in notes:
        event(_log, logging.WARNING, "configuration conflict", path=note.path, outcome=note.kind)
    files.folder.mkdir(parents=True, exist_ok=True, mode=_OWNERS_FOLDER)
    (places.data / image.OPENCLAW_WORKSPACE).mkdir(exist_ok=True)
    # The order counts: dying between the two, the next start takes no change of the platform's for the agent's.
    write_private(files.live, _encode(config))
    write_private(files.platform, _encode(platform))
    return files.live


def placed(platform: dict[str, Any], places: Places, ports: Ports) -> dict[str, Any]:
    """The platform's part with this pod's own places and ports in it. Raises AgentError where it has no such keys."""
    try:
        platform["gateway"]["port"] = ports.openclaw
        platform["secrets"]["providers"]["own"]["path"] = str(places.run / image.OPENCLAW_TOKEN_FILE)
        platform["agents"]["defaults"]["workspace"] = str(places.data / image.OPENCLAW_WORKSPACE)
        for provider in platform["models"]["providers"].values():
            provider["baseUrl"] = f"http://{LOOPBACK}:{ports.ollama}"
        loaded = platform["plugins"]["load"]
        loaded["paths"] = [str(places.skills / Path(path).name) for path in loaded["paths"]]
    except (KeyError, TypeError, AttributeError) as error:
        raise AgentError(f"OpenClaw's configuration lacks what the platform always writes: {error}") from error
    return platform


def write_private(path: Path, text: str, mode: int = _OWNERS) -> None:
    """Replace a file whole: a reader, or a crash, finds the old text or the new; nobody else can read it."""
    path.parent.mkdir(parents=True, exist_ok=True, mode=_OWNERS_FOLDER)
    draft = path.with_name(f".{path.name}.new")
    draft.unlink(missing_ok=True)
    with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, mode), "w") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    draft.replace(path)


def _read_platform(path: Path) -> dict[str, Any]:
    try:
        return _decode(path.read_bytes())
    except OSError as error:
        raise AgentError(f"OpenClaw's configuration cannot be read: {path}: {error.strerror}") from error
    except ValueError:
        raise AgentError(f"OpenClaw's configuration is no JSON object: {path}") from None


def _read_live(path: Path) -> dict[str, Any] | None:
    """What a file of OpenClaw's holds; None where there is none. One that is broken is set aside.

    OpenClaw reads JSON5, but writes JSON, as we do: whatever else stands here neither of us wrote.
    """
    try:
        if path.stat().st_size > _LARGEST:
            raise ValueError("too large")
        return _decode(path.read_bytes())
    except FileNotFoundError:
        return None
    except (ValueError, OSError) as error:
        event(_log, logging.WARNING, "configuration set aside", file=path.name, error=type(error).__name__)
        aside = path.with_name(path.name + BROKEN_SUFFIX)
        path.replace(aside)
        return None


def _decode(raw: bytes) -> dict[str, Any]:
    """The object in a JSON text. Raises ValueError for anything else."""
    try:
        found = json.loads(raw, parse_constant=_refuse)
    except RecursionError:
        raise ValueError("nested too deeply") from None
    if not isinstance(found, dict):
        raise ValueError("no object")
    return found


def _refuse(name: str) -> None:
    raise ValueError(name)


def _encode(config: dict[str, Any]) -> str:
    return json.dumps(config, indent=1, sort_keys=True) + "\n"
