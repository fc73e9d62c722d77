"""A zone's Worker routes, DNS records and rulesets. DNS is kept, not served: clients on this machine need no name."""

import ipaddress
import re
from collections.abc import Awaitable, Callable, Sequence
from typing import Any

from aiohttp import web

from infra.local.cloudflare.errors import invalid, not_found, taken
from infra.local.cloudflare.requests import API, CLOUD, body, new_record, now, success
from infra.local.cloudflare.rulesets import read_ruleset
from infra.local.cloudflare.store import Collections, Record, collection, every

PATTERN = re.compile(r"(\*\.?)?[a-z0-9-]+(\.[a-z0-9-]+)+/[^*?#]*\*?")
ADDRESSES = {"A": ipaddress.IPv4Address, "AAAA": ipaddress.IPv6Address}
TYPES = (*ADDRESSES, "CNAME", "TXT")
AUTOMATIC = 1
Reader = Callable[[web.Request], Awaitable[Record]]


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


class Records:
    """One kind of a zone's records: listed, created, read, replaced, deleted. No two share all `unique` fields."""

    def __init__(self, path: str, kind: str, unique: Sequence[str], read: Reader) -> None:
        self.path, self.kind, self.unique, self.read = path, kind, unique, read

    def routes(self) -> list[web.RouteDef]:
        """The handlers and their paths."""
        collection_path = f"{API}/zones/{{zone}}/{self.path}"
        path = f"{collection_path}/{{id}}"
        return [
            web.get(collection_path, self.list),
            web.post(collection_path, self.create),
            web.get(path, self.get),
            web.put(path, self.replace),
            web.delete(path, self.delete),
        ]

    async def list(self, request: web.Request) -> web.Response:
        """All of a zone, in one page."""
        return success([*self._all(request, request.app[CLOUD].declared).values()])

    async def get(self, request: web.Request) -> web.Response:
        """One record."""
        return success(self._one(request, request.app[CLOUD].declared))

    async def create(self, request: web.Request) -> web.Response:
        """A new record."""
        record = new_record(request, {**await self.read(request), "created_on": now()})

        def edit(declared: Collections) -> Record:
            self._require_unique(request, declared, record)
            self._all(request, declared)[record["id"]] = record
            return record

        return success(await request.app[CLOUD].change(edit))

    async def replace(self, request: web.Request) -> web.Response:
        """Other fields for a record that exists."""
        fields = await self.read(request)

        def edit(declared: Collections) -> Record:
            record = self._one(request, declared)
            record.update(fields)
            self._require_unique(request, declared, record)
            return record

        return success(await request.app[CLOUD].change(edit))

    async def delete(self, request: web.Request) -> web.Response:
        """Remove it."""

        def edit(declared: Collections) -> Record:
            record = self._one(request, declared)
            del self._all(request, declared)[record["id"]]
            return {"id": record["id"]}

        return success(await request.app[CLOUD].change(edit))

    def _all(self, request: web.Request, declared: Collections) -> dict[str, Record]:
        return collection(declared, self.kind, request.match_info["zone"])

    def _one(self, request: web.Request, declared: Collections) -> Record:
        record = self._all(request, declared).get(request.match_info["id"])
        if record is None:
            raise not_found(f"{self.path} {request.match_info['id']}", 81044)
        return record

    def _require_unique(self, request: web.Request, declared: Collections, record: Record) -> None:
        identity = [record[field] for field in self.unique]
        for other in self._all(request, declared).values():
            if other["id"] != record["id"] and [other[field] for field in self.unique] == identity:
                raise taken(f"{' '.join(identity)}: there is one in this zone already", 81058)


def routes() -> tuple[web.RouteDef, ...]:
    """The handlers and their paths."""
    worker_routes = Records("workers/routes", "routes", ("pattern",), read_route)
    dns_records = Records("dns_records", "dns", ("name", "type", "content"), read_dns_record)
    rulesets = Records("rulesets", "rulesets", ("phase",), read_ruleset)  # a zone has one entry point a phase
    return (*worker_routes.routes(), *dns_records.routes(), *rulesets.routes())
