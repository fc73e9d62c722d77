"""`python -m runtime.agent`: supervise the model server and serve until told to stop."""

import asyncio
import contextlib
import logging
import os
import sys
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import uvloop

from runtime.agent.chat import chat_handler
from runtime.agent.failures import AgentError
from runtime.agent.ollama import OllamaApi
from runtime.agent.settings import AgentSettings, read_settings
from runtime.agent.supervisor import Supervisor
from runtime.contract import limits, ports
from runtime.http import proxy
from runtime.http.environment import SettingsError
from runtime.http.lifecycle import Lifecycle
from runtime.http.log import configure, event
from runtime.http.server import application, listen

TERMINATION_LOG = Path("/dev/termination-log")
"""Where a container leaves the reason of its end for Kubernetes to show."""
_REASON_BYTES = 4096
"""What Kubernetes reads of it."""

_log = logging.getLogger("agent")


async def serve(settings: AgentSettings, port: int) -> None:
    """Serve until SIGTERM; then let running answers finish and end the model server. Raises AgentError."""
    lifecycle = Lifecycle()
    lifecycle.stop_on_signals()
    async with proxy.client() as session:
        api = OllamaApi(session, settings.model_port)
        supervisor = Supervisor(settings, api)

        def ready() -> bool:
            return supervisor.ready and not lifecycle.stopping.is_set()

        chat = chat_handler(settings, ready, session, api.chat_url)
        runner = await listen(application(chat, ready, lifecycle), "0.0.0.0", port)  # noqa: S104  # the pod's own
        event(_log, logging.INFO, "serving", tenant=settings.tenant, agent=settings.agent, port=port)
        supervising = asyncio.create_task(supervisor.run())
        try:
            await lifecycle.run_until_stopped(supervising)
            event(_log, logging.INFO, "stopping")
            finished = await lifecycle.idle(limits.GRACE_S)
            event(_log, logging.INFO, "stopped", finished=finished)
        finally:
            supervising.cancel()
            await asyncio.gather(supervising, return_exceptions=True)
            await runner.cleanup()


def leave_reason(reason: str, where: Path) -> None:
    """Say why this ends where Kubernetes looks for it; outside a container there is no such place."""
    with contextlib.suppress(OSError):
        if where.exists():
            where.write_bytes(reason.encode()[:_REASON_BYTES])


def main(
    environ: Mapping[str, str],
    port: int = ports.AGENT,
    model_port: int = ports.OLLAMA,
    termination_log: Path = TERMINATION_LOG,
) -> int:
    """The exit status: 0 when told to stop, 1 when the agent cannot do its work."""
    configure("agent")
    try:
        settings = replace(read_settings(environ), model_port=model_port)
        uvloop.run(serve(settings, port))
    except (AgentError, SettingsError) as error:
        event(_log, logging.CRITICAL, "gave up", reason=str(error))
        leave_reason(str(error), termination_log)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(os.environ))
