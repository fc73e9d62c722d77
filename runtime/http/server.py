"""Serving an application: chat and probes on one port."""

from collections.abc import Callable

from aiohttp import web

from runtime.contract import paths
from runtime.http.answers import PROBES, Handler, answer
from runtime.http.lifecycle import LIFECYCLE, Lifecycle
from runtime.http.protocol import Runner

KEEP_ALIVE_S = 75
"""Seconds an idle connection is kept."""
_LINGER_S = 2
"""Seconds what a refused request still sends is read, so that its client gets to see the refusal."""
_CLOSE_S = 1
"""Seconds a handler gets to end once it is cancelled."""


def application(chat: Handler, ready: Callable[[], bool], lifecycle: Lifecycle) -> web.Application:
    """Chat completions by `chat`, the probes, and nothing else. A program that is being stopped is never ready."""
    app = web.Application(middlewares=[answer])
    app[LIFECYCLE] = lifecycle
    app[PROBES] = frozenset((paths.LIVE, paths.READY))

    async def live(_: web.Request) -> web.Response:
        return web.json_response({"status": "ok"})

    async def is_ready(_: web.Request) -> web.Response:
        if ready() and not lifecycle.stopping.is_set():
            return web.json_response({"status": "ready"})
        return web.json_response({"status": "not ready"}, status=503)

    app.router.add_post(paths.CHAT_COMPLETIONS, chat)
    app.router.add_get(paths.LIVE, live)
    app.router.add_get(paths.READY, is_ready)
    return app


async def listen(app: web.Application, host: str, port: int) -> web.AppRunner:
    """Serve `app` until the runner is cleaned up; a request whose client goes is cancelled."""
    runner = Runner(
        app,
        handler_cancellation=True,
        access_log=None,
        auto_decompress=False,
        keepalive_timeout=KEEP_ALIVE_S,
        lingering_time=_LINGER_S,
        shutdown_timeout=_CLOSE_S,
    )
    await runner.setup()
    await web.TCPSite(runner, host, port).start()
    return runner
