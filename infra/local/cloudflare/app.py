"""The API server."""

from aiohttp import web

from infra.local.cloudflare import client_certificates, kv, operations, origins, scripts, versions, zone_settings, zones
from infra.local.cloudflare.cloud import Cloud
from infra.local.cloudflare.requests import CLOUD, envelope

LARGEST_REQUEST = 32 * 1024 * 1024
"""Bytes: the largest KV value and then some."""


def make_app(cloud: Cloud) -> web.Application:
    """The application that changes `cloud`."""
    app = web.Application(middlewares=[envelope], client_max_size=LARGEST_REQUEST)
    app[CLOUD] = cloud
    app.add_routes([web.get("/healthz", health)])
    for part in (kv, scripts, versions, zones, zone_settings, client_certificates, origins, operations):
        app.add_routes(part.routes())
    return app


async def health(request: web.Request) -> web.Response:
    """200 once the runtime serves what was declared; the server doesn't answer before."""
    if request.app[CLOUD].host.ended.is_set():
        raise web.HTTPServiceUnavailable(text="the Worker host has ended\n")
    return web.json_response({"status": "ok"})
