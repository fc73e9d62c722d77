"""What the kubelet and the monitoring ask: does the agent live, is it ready, what has it done."""

import asyncio

from aiohttp import web

from runtime.agent.metrics import Metrics
from runtime.agent.supervisor.heartbeat import Heartbeat
from runtime.agent.supervisor.readiness import Readiness
from runtime.contract import errors, paths
from runtime.http.answers import Handler


def ops_application(heartbeat: Heartbeat, readiness: Readiness, metrics: Metrics) -> web.Application:
    """The probes and the metrics, and nothing else."""

    async def live(_: web.Request) -> web.Response:
        return web.json_response({"live": heartbeat.alive}, status=200 if heartbeat.alive else 503)

    async def ready(_: web.Request) -> web.Response:
        failing = await readiness.failing()
        metrics.readiness(not failing)
        return web.json_response({"ready": not failing, "failing": failing}, status=503 if failing else 200)

    async def exposition(_: web.Request) -> web.Response:
        # Beside the loop: the volume or the GPU's driver may let wait.
        body, content_type = await asyncio.to_thread(metrics.exposition)
        return web.Response(body=body, headers={"Content-Type": content_type})

    app = web.Application(middlewares=[_refuse])
    app.router.add_get(paths.LIVE, live)
    app.router.add_get(paths.READY, ready)
    app.router.add_get(paths.METRICS, exposition)
    return app


@web.middleware
async def _refuse(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Answer what there is not in the contract's shape; nobody's request is counted or logged here."""
    try:
        return await handler(request)
    except web.HTTPException as refused:
        kind = errors.NOT_FOUND if isinstance(refused, web.HTTPNotFound) else errors.METHOD_NOT_ALLOWED
        return web.json_response(errors.body(kind), status=kind.status)
