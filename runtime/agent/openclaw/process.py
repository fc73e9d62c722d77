"""How OpenClaw is started."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from runtime.agent.openclaw.config import OpenClawFiles
from runtime.agent.settings import Places
from runtime.contract import image

NAME = "openclaw"
START_S = 300
"""Seconds OpenClaw may take until it is ready: ten on an idle machine, minutes where it has to share a core."""
STOP_S = 3
"""Seconds it gets to end once no request is left: it needs one or two. Killed, it mends itself at its next start."""


@dataclass(frozen=True)
class Installed:
    """Where the programs are."""

    node: Path = Path(image.NODE_PROGRAM)
    openclaw: Path = Path(image.OPENCLAW_PROGRAM)


def command(installed: Installed) -> tuple[str, ...]:
    """The command that runs the gateway in the foreground."""
    return (str(installed.node), str(installed.openclaw), "gateway", "run")


def validate_command(installed: Installed) -> tuple[str, ...]:
    """The command that judges the configuration, without running anything."""
    return (str(installed.node), str(installed.openclaw), "config", "validate")


def environment(places: Places, temporary: Path, path: str) -> Mapping[str, str]:
    """All OpenClaw is told by its environment, where no secret is: `temporary` is writable, `path` is for its tools."""
    files = OpenClawFiles.of(places)
    return {
        "PATH": path,
        "HOME": str(files.folder),
        "TMPDIR": str(temporary),
        "LANG": "C.UTF-8",
        "TZ": "UTC",
        "NODE_ENV": "production",
        "OPENCLAW_STATE_DIR": str(files.folder),
        "OPENCLAW_CONFIG_PATH": str(files.live),
        # Nothing is looked for, fetched, or run beside it: what it needs is in the image.
        "OPENCLAW_DISABLE_BONJOUR": "1",
        "OPENCLAW_NO_AUTO_UPDATE": "1",
        "OPENCLAW_NO_RESPAWN": "1",
        "OPENCLAW_OFFLINE": "1",
        "OPENCLAW_TELEMETRY": "0",
        # Compiled code is kept on the volume: a start takes a quarter less of a core's time than with the cache that
        # OpenClaw makes anew below the temporary folder. Only told so it does not start itself once more for it.
        "NODE_COMPILE_CACHE": str(files.folder / ".cache" / "node"),
        "OPENCLAW_PACKAGED_COMPILE_CACHE_RESPAWNED": "1",
    }
