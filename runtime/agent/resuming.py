"""Where an agent goes on from: its latest state, brought by a program of the image's before anything else starts.

A customer with a failover region has each of its agents in two. What an agent has learnt in one comes to the other as
copies of its snapshots; which copy that is, how it is read and whether it is newer than what the volume holds, is the
program's to know. It is run at every start, so that a restart is all it takes to go on from what was copied since.
"""

import asyncio
import logging
import os
import signal
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path

from runtime.agent.failures import AgentError
from runtime.agent.settings import AgentSettings
from runtime.contract import env, image
from runtime.http.log import event

LIMIT_S = 300
"""Seconds it may take: half of what the kubelet gives an agent to start."""

_log = logging.getLogger("resume")


async def resume(settings: AgentSettings, program: Path = Path(image.RESUME_PROGRAM), limit_s: float = LIMIT_S) -> None:
    """Have the latest state on the volume, where the agent has one elsewhere.

    Raises AgentError if the program fails or takes too long: an agent that went on from something older would tell its
    customer what is no longer so, and its next snapshot would pass for the latest.
    """
    if settings.resume_from is None:
        return
    if not await asyncio.to_thread(program.exists):
        event(_log, logging.WARNING, "nothing to resume with", source=settings.resume_from)
        return
    status = await _ended(program, _environment(settings), limit_s)
    if status is None:
        raise AgentError(f"{program}: the agent's state was not there within {limit_s:g} s")
    if status:
        raise AgentError(f"{program}: the agent's state cannot be resumed; it ended with status {status}")
    event(_log, logging.INFO, "resumed", source=settings.resume_from)


def _environment(settings: AgentSettings) -> Mapping[str, str]:
    """What the program is told: where from, where to, and whose it is. No secret is among it."""
    return {
        "PATH": os.environ.get("PATH", os.defpath),
        env.RESUME_FROM: settings.resume_from or "",
        env.RESUME_INTO: str(settings.places.data),
        env.TENANT: settings.tenant,
        env.AGENT: settings.agent,
    }


async def _ended(program: Path, environ: Mapping[str, str], limit_s: float) -> int | None:
    """The program's exit status; None where it took too long. What it writes goes to the agent's own log."""
    try:
        # A group of its own, so that nothing it started writes to the volume when OpenClaw does.
        process = await asyncio.create_subprocess_exec(
            str(program), env=dict(environ), stdin=asyncio.subprocess.DEVNULL, start_new_session=True
        )
    except OSError as error:
        raise AgentError(f"{program}: cannot be run: {error.strerror}") from error
    try:
        async with asyncio.timeout(limit_s):
            return await process.wait()
    except TimeoutError:
        return None
    finally:
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        await process.wait()
