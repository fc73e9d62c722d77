"""How the edge reaches one region: a tunnel, and what watches it."""

import base64
import json
from typing import Any

from pydantic import Field

from components.labels import Region
from components.values import Values
from runtime.contract import limits, paths

_TUNNEL_DOMAIN = "cfargotunnel.com"


class OriginSpec(Values):
    """One region's way in. `hostname` is the name in the zone that leads into the tunnel, `service` the URL of the
    region's gateways as its connectors reach them, `latitude` and `longitude` (degrees) are where the region is."""

    region: Region
    account_id: str
    zone_id: str
    hostname: str
    service: str
    latitude: float = Field(ge=-90, le=90)
    longitude: float = Field(ge=-180, le=180)


def build_tunnel_config(spec: OriginSpec) -> dict[str, Any]:
    """What connectors do with a request: one name leads to the gateways, every other to nothing."""
    to_gateway = {
        "hostname": spec.hostname,
        "service": spec.service,
        "origin_request": {"connect_timeout": limits.CONNECT_S, "keep_alive_connections": 1024},
    }
    return {"ingresses": [to_gateway, {"service": "http_status:404"}]}


def build_monitor(spec: OriginSpec) -> dict[str, Any]:
    """Asks through the tunnel whether a gateway is ready; two answers in a row decide."""
    return {
        "type": "https",
        "method": "GET",
        "path": paths.READY,
        "port": 443,
        "expected_codes": "200",
        "header": {"Host": [spec.hostname]},
        "interval": 60,
        "retries": 2,
        "timeout": 5,
        "consecutive_down": 2,
        "consecutive_up": 2,
        "allow_insecure": False,
        "follow_redirects": False,
    }


def tunnel_address(tunnel: str) -> str:
    """The address of a tunnel by its id, which nobody outside Cloudflare can connect to."""
    return f"{tunnel}.{_TUNNEL_DOMAIN}"


def connector_token(account: str, tunnel: str, secret: str) -> str:
    """What a connector proves itself with: account, tunnel and the tunnel's secret, as cloudflared reads them."""
    parts = json.dumps({"a": account, "t": tunnel, "s": secret}, separators=(",", ":"))
    return base64.b64encode(parts.encode()).decode()
