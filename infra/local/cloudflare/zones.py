"""A zone's Worker routes, DNS records and rulesets. DNS is kept, not served: clients on this machine need no name."""

import ipaddress
import re
from typing import Any

from aiohttp import web

from infra.local.cloudflare.errors import invalid
from infra.local.cloudflare.records import Records
from infra.local.cloudflare.requests import CLOUD, body, now
from infra.local.cloudflare.rulesets import read_ruleset
from infra.local.cloudflare.store import Record, every

PATTERN = re.compile(r"(\*\.?)?[a-z0-9-]+(\.[a-z0-9-]+)+/[^*?#]*\*?")
ADDRESSES = {"A": ipaddress.IPv4Address, "AAAA": ipaddress.IPv6Address}
TYPES = (*ADDRESSES, "CNAME", "TXT")
AUTOMATIC = 1


async def read_route(request: web.Request) -> Record:
    """The route a request describes. Raises `ApiError`."""
    fields = await body(request, {"pattern": str}, {"script": ""})
    if not PATTERN.fullmatch(fields["pattern"]):
        raise invalid(f"pattern: {fields['pattern']!r} must be <host>/<path>, with * only at its ends", 10022)
    if fields["script"] and fields["script"] not in every(request.app[CLOUD].declared, "scripts"):
        raise invalid(f"script: there is no script {fields['script']!r}", 10019)
    return fields


async def read_dns_record(request: web.Request) -> Record:
    """The record a request describes. Raises `ApiError`."""
    optional: Record = {"comment": None, "proxied": False, "ttl": AUTOMATIC, "tags": []}
    fields = await body(request, {"name": str, "type": str, "content": str}, optional)
    if fields["type"] not in TYPES:
        raise invalid(f"type: {fields['type']!r} is not supported by the local API, only {', '.join(TYPES)}", 9004)
    if address := ADDRESSES.get(fields["type"]):
        _require_address(address, fields)
    if fields["proxied"] and fields["type"] == "TXT":
        raise invalid("proxied: a TXT record can't be", 9004)
    if fields["ttl"] != AUTOMATIC and not 30 <= fields["ttl"] <= 86400:
        raise invalid(f"ttl: {fields['ttl']} must be {AUTOMATIC} (automatic) or 30 to 86400 seconds", 9021)
    return {**fields, "proxiable": fields["type"] != "TXT", "modified_on": now()}


def _require_address(address: Any, fields: Record) -> None:
    try:
        address(fields["content"])
    except ValueError:
        raise invalid(
            f"content: {fields['content']!r} is no address for a record of type {fields['type']}", 9005
        ) from None


def routes() -> tuple[web.RouteDef, ...]:
    """The handlers and their paths."""
    worker_routes = Records("workers/routes", "routes", ("pattern",), read_route)
    dns_records = Records("dns_records", "dns", ("name", "type", "content"), read_dns_record)
    rulesets = Records("rulesets", "rulesets", ("phase",), read_ruleset)  # a zone has one entry point a phase
    return (*worker_routes.routes(), *dns_records.routes(), *rulesets.routes())
