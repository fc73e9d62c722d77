"""`python -m runtime.agent`: supervise the model server and serve until told to stop."""

import asyncio
import contextlib
import logging
import os
import sys
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


async def serve(settings: AgentSettings, port: int = ports.AGENT) -> None:
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
    """Say why this ends where Kubernetes looks for it; outside a container there may be no such place."""
    with contextlib.suppress(OSError):
        where.write_bytes(reason.encode()[:_REASON_BYTES])


def main() -> int:
    """The exit status: 0 when told to stop, 1 when the agent cannot do its work."""
    configure("agent")
    try:
        uvloop.run(serve(read_settings(os.environ)))
    except (AgentError, SettingsError) as error:
        event(_log, logging.CRITICAL, "gave up", reason=str(error))
        if TERMINATION_LOG.exists():
            leave_reason(str(error), TERMINATION_LOG)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
