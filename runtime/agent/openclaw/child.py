"""OpenClaw as one of the supervisor's children."""

import asyncio
import os
from pathlib import Path

from runtime.agent.failures import AgentError
from runtime.agent.openclaw import process
from runtime.agent.openclaw.config import OpenClawFiles, write_config
from runtime.agent.openclaw.console import Console
from runtime.agent.openclaw.probe import Probe
from runtime.agent.openclaw.turns import end_interrupted
from runtime.agent.settings import AgentSettings
from runtime.agent.supervisor.spec import ChildSpec

TEMPORARY = Path("/tmp")  # noqa: S108  # the pod's own


def openclaw_child(
    settings: AgentSettings,
    probe: Probe,
    installed: process.Installed | None = None,
    temporary: Path = TEMPORARY,
) -> ChildSpec:
    """How the supervisor runs OpenClaw: before every start its configuration is written and unfinished turns are ended.

    The token it reads is there by then: `mint_token` comes first.
    """
    installed = installed or process.Installed()
    files = OpenClawFiles.of(settings.places)
    console = Console()

    async def before() -> None:
        console.serving = False
        await asyncio.to_thread(_prepare, settings)

    async def prove() -> None:
        await probe.until_ready()
        console.serving = True

    files.folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    return ChildSpec(
        name=process.NAME,
        command=process.command(installed),
        environ=process.environment(settings.places, temporary, os.environ.get("PATH", os.defpath)),
        cwd=files.folder,
        is_noise=console.is_noise,
        before=before,
        prove=prove,
        watch=probe.watch,
        prove_s=process.START_S,
        stop_s=process.STOP_S,
    )


def _prepare(settings: AgentSettings) -> None:
    """Raises AgentError where OpenClaw cannot be configured."""
    try:
        write_config(settings)
    except OSError as error:
        raise AgentError(f"OpenClaw's configuration cannot be written: {error.strerror}") from error
    end_interrupted(OpenClawFiles.of(settings.places).folder)
