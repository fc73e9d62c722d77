"""Tunnels, and the load balancers, pools and monitors before them: kept, not run. Here the tunnel is a forwarder."""

import base64
import binascii
from typing import Any

from aiohttp import web

from infra.local.cloudflare.errors import invalid, not_found
from infra.local.cloudflare.records import Records
from infra.local.cloudflare.requests import API, CLOUD, body, now, success
from infra.local.cloudflare.store import Collections, Record, collection

CONFIGURATION = f"{API}/accounts/{{account}}/cfd_tunnel/{{tunnel}}/configurations"
STEERING = ("off", "geo", "random", "dynamic_latency", "proximity", "least_outstanding_requests", "least_connections")
SHORTEST_SECRET = 32
"""Bytes of a tunnel's secret."""


def routes() -> list[web.RouteDef]:
    """The handlers and their paths."""
    tunnels = Records("cfd_tunnel", "tunnels", ("name",), read_tunnel, "accounts", hidden=("tunnel_secret",))
    monitors = Records("load_balancers/monitors", "monitors", ("path", "header"), read_monitor, "accounts")
    pools = Records("load_balancers/pools", "pools", ("name",), read_pool, "accounts")
    balancers = Records("load_balancers", "balancers", ("name",), read_balancer)
    return [
        *tunnels.routes(),
        web.get(CONFIGURATION, get_configuration),
        web.put(CONFIGURATION, put_configuration),
        *monitors.routes(),
        *pools.routes(),
        *balancers.routes(),
    ]


async def read_tunnel(request: web.Request) -> Record:
    """The tunnel a request describes. Raises `ApiError`."""
    fields = await body(request, {"name": str, "config_src": str, "tunnel_secret": str})
    if fields["config_src"] not in {"cloudflare", "local"}:
        raise invalid(f"config_src: {fields['config_src']!r} is neither 'cloudflare' nor 'local'", 1000)
    try:
        secret = base64.b64decode(fields["tunnel_secret"], validate=True)
    except binascii.Error:
        secret = b""
    if len(secret) < SHORTEST_SECRET:
        raise invalid(f"tunnel_secret: must be {SHORTEST_SECRET} bytes at least, in base64", 1000)
    return fields


async def get_configuration(request: web.Request) -> web.Response:
    """What a tunnel's connectors are told."""
    return success(_configurations(request, request.app[CLOUD].declared)[request.match_info["tunnel"]])


async def put_configuration(request: web.Request) -> web.Response:
    """Tell them something else."""
    config = (await body(request, {"config": dict}))["config"]
    _require_ingress(config.get("ingress"))

    def edit(declared: Collections) -> Record:
        told: Record = {"config": config, "source": "cloudflare", "created_at": now()}
        _configurations(request, declared)[request.match_info["tunnel"]] = told
        return told

    return success(await request.app[CLOUD].change(edit))


def _configurations(request: web.Request, declared: Collections) -> dict[str, Record]:
    account, tunnel = request.match_info["account"], request.match_info["tunnel"]
    if tunnel not in collection(declared, "tunnels", account):
        raise not_found(f"tunnel {tunnel}", 1003)
    told = collection(declared, "tunnel-configurations", account)
    told.setdefault(tunnel, {"config": {}, "source": "cloudflare", "created_at": now()})
    return told


def _require_ingress(ingress: Any) -> None:
    if not isinstance(ingress, list) or not ingress or not all(isinstance(one, dict) for one in ingress):
        raise invalid("config.ingress: must be a list of rules", 1056)
    for index, rule in enumerate(ingress):
        if not isinstance(rule.get("service"), str):
            raise invalid(f"config.ingress[{index}].service: must be given", 1056)
        if ("hostname" in rule or "path" in rule) == (index == len(ingress) - 1):
            raise invalid("config.ingress: the last rule, and no other, matches everything", 1056)


async def read_monitor(request: web.Request) -> Record:
    """The monitor a request describes. Raises `ApiError`."""
    needed: dict[str, type] = {"type": str, "method": str, "path": str, "expected_codes": str, "interval": int}
    more = {"port", "header", "retries", "timeout", "consecutive_down", "consecutive_up"}
    fields = await body(
        request, needed, {**dict.fromkeys(more), "allow_insecure": False, "follow_redirects": False, "description": ""}
    )
    if fields["type"] not in {"http", "https"}:
        raise invalid(f"type: {fields['type']!r} is not supported by the local API, only http and https", 1002)
    if not 5 <= fields["interval"] <= 3600:
        raise invalid(f"interval: {fields['interval']} must be 5 to 3600 seconds", 1002)
    return {**fields, "modified_on": now()}


async def read_pool(request: web.Request) -> Record:
    """The pool a request describes. Raises `ApiError`."""
    optional = {
        "enabled": True,
        "minimum_origins": 1,
        "monitor": None,
        "description": "",
        "latitude": None,
        "longitude": None,
    }
    fields = await body(request, {"name": str, "origins": list}, optional)
    names = [origin.get("name") for origin in fields["origins"] if isinstance(origin, dict) and origin.get("address")]
    if not names or len(names) != len(fields["origins"]) or len(set(names)) != len(names):
        raise invalid("origins: each needs an address and a name of its own", 1002)
    account = request.match_info["owner"]
    if (fields["latitude"] is None) != (fields["longitude"] is None):
        raise invalid("latitude: goes with longitude; give both or neither", 1002)
    if fields["monitor"] and fields["monitor"] not in collection(request.app[CLOUD].declared, "monitors", account):
        raise invalid(f"monitor: there is no monitor {fields['monitor']}", 1002)
    return {**fields, "modified_on": now()}


async def read_balancer(request: web.Request) -> Record:
    """The load balancer a request describes. Raises `ApiError`."""
    optional = {
        "enabled": True, "proxied": False, "steering_policy": "off", "session_affinity": "none", "description": "",
    }  # fmt: skip
    fields = await body(request, {"name": str, "default_pools": list, "fallback_pool": str}, optional)
    if fields["steering_policy"] not in STEERING:
        raise invalid(f"steering_policy: {fields['steering_policy']!r} is none of {', '.join(STEERING)}", 1002)
    known = {pool for name, pools in request.app[CLOUD].declared.items() if name.startswith("pools/") for pool in pools}
    if missing := sorted({*fields["default_pools"], fields["fallback_pool"]} - known):
        raise invalid(f"default_pools: there is no pool {missing[0]}", 1002)
    return {**fields, "modified_on": now()}
