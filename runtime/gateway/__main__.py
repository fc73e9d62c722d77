"""`python -m runtime.gateway`: serve until told to stop."""

import asyncio
import logging
import os
import sys

import uvloop
from kubernetes_asyncio import client, config

from runtime.contract import limits, ports
from runtime.gateway.kubernetes import KubernetesSandboxes
from runtime.gateway.onward import agent_handler, application, health_handler
from runtime.gateway.sandboxes import SandboxCache
from runtime.gateway.settings import GatewaySettings, read_settings
from runtime.gateway.watching import SandboxWatch
from runtime.http import proxy
from runtime.http.edge_token import TokenVerifier
from runtime.http.environment import SettingsError
from runtime.http.lifecycle import Lifecycle
from runtime.http.log import configure, event
from runtime.http.server import listen

_log = logging.getLogger("gateway")


async def serve(
    settings: GatewaySettings, api: client.ApiClient, port: int = ports.GATEWAY, agent_port: int = ports.AGENT
) -> None:
    """Serve until SIGTERM; then fail the probe, let the tunnel see it, and let running answers finish."""
    lifecycle = Lifecycle()
    lifecycle.stop_on_signals()
    cache = SandboxCache()
    watch = SandboxWatch(KubernetesSandboxes(api), cache)
    async with proxy.client() as session:
        verifier = TokenVerifier(settings.keys)
        ask, health = agent_handler(verifier, cache, session, agent_port), health_handler(verifier, cache)
        runner = await listen(application(ask, health, watch.fresh, lifecycle), "0.0.0.0", port)  # noqa: S104  # the pod's own
        event(_log, logging.INFO, "serving", region=settings.region, port=port)
        watching = asyncio.create_task(watch.run())
        try:
            await lifecycle.run_until_stopped(watching)
            event(_log, logging.INFO, "stopping")
            await asyncio.sleep(limits.DRAIN_S)
            finished = await lifecycle.idle(limits.GRACE_S)
            event(_log, logging.INFO, "stopped", finished=finished)
        finally:
            watching.cancel()
            await runner.cleanup()


async def main() -> None:
    """Read the environment and the pod's own credentials, then serve."""
    settings = read_settings(os.environ)
    configuration = client.Configuration()
    config.load_incluster_config(client_configuration=configuration)  # type: ignore[no-untyped-call]
    async with client.ApiClient(configuration) as api:
        await serve(settings, api)


if __name__ == "__main__":
    configure("gateway")
    try:
        uvloop.run(main())
    except (SettingsError, config.ConfigException) as error:
        event(_log, logging.CRITICAL, "failed start", reason=str(error))
        sys.exit(1)
