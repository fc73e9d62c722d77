"""Kinds of records: an owner's, each with an id, changed one at a time."""

from collections.abc import Awaitable, Callable, Sequence
from typing import Literal

from aiohttp import web

from infra.local.cloudflare.errors import not_found, taken
from infra.local.cloudflare.requests import API, CLOUD, new_record, now, success
from infra.local.cloudflare.store import Collections, Record, collection

Reader = Callable[[web.Request], Awaitable[Record]]


class Records:
    """One kind of an account's or a zone's records: listed, created, read, replaced, deleted.

    No two of an owner's share all `unique` fields. `hidden` ones are never given back, as the real API gives no secret
    back.
    """

    def __init__(
        self,
        path: str,
        kind: str,
        unique: Sequence[str],
        read: Reader,
        owner: Literal["accounts", "zones"] = "zones",
        hidden: Sequence[str] = (),
    ) -> None:
        self.path, self.kind, self.unique, self.read, self.owner, self.hidden = path, kind, unique, read, owner, hidden

    def routes(self) -> list[web.RouteDef]:
        """The handlers and their paths."""
        collection_path = f"{API}/{self.owner}/{{owner}}/{self.path}"
        path = f"{collection_path}/{{id}}"
        return [
            web.get(collection_path, self.list),
            web.post(collection_path, self.create),
            web.get(path, self.get),
            web.put(path, self.replace),
            web.delete(path, self.delete),
        ]

    async def list(self, request: web.Request) -> web.Response:
        """All of an owner, in one page."""
        return success([self._shown(one) for one in self._all(request, request.app[CLOUD].declared).values()])

    async def get(self, request: web.Request) -> web.Response:
        """One record."""
        return success(self._shown(self._one(request, request.app[CLOUD].declared)))

    async def create(self, request: web.Request) -> web.Response:
        """A new record."""
        record = new_record(request, {**await self.read(request), "created_on": now()})

        def edit(declared: Collections) -> Record:
            self._require_unique(request, declared, record)
            self._all(request, declared)[record["id"]] = record
            return record

        return success(self._shown(await request.app[CLOUD].change(edit)))

    async def replace(self, request: web.Request) -> web.Response:
        """Other fields for a record that exists."""
        fields = await self.read(request)

        def edit(declared: Collections) -> Record:
            record = self._one(request, declared)
            record.update(fields)
            self._require_unique(request, declared, record)
            return record

        return success(self._shown(await request.app[CLOUD].change(edit)))

    async def delete(self, request: web.Request) -> web.Response:
        """Remove it."""

        def edit(declared: Collections) -> Record:
            record = self._one(request, declared)
            self.require_unused(record, declared)
            del self._all(request, declared)[record["id"]]
            return {"id": record["id"]}

        return success(self._shown(await request.app[CLOUD].change(edit)))

    def require_unused(self, record: Record, declared: Collections) -> None:
        """Nothing: most kinds can go while others name them. Raises `ApiError` in a kind that can't."""

    def _shown(self, record: Record) -> Record:
        return {field: value for field, value in record.items() if field not in self.hidden}

    def _all(self, request: web.Request, declared: Collections) -> dict[str, Record]:
        return collection(declared, self.kind, request.match_info["owner"])

    def _one(self, request: web.Request, declared: Collections) -> Record:
        record = self._all(request, declared).get(request.match_info["id"])
        if record is None:
            raise not_found(f"{self.path} {request.match_info['id']}", 81044)
        return record

    def _require_unique(self, request: web.Request, declared: Collections, record: Record) -> None:
        identity = [record[field] for field in self.unique]
        for other in self._all(request, declared).values():
            if other["id"] != record["id"] and [other[field] for field in self.unique] == identity:
                raise taken(
                    f"{' '.join(map(str, identity))}: there is one in this {self.owner.removesuffix('s')} already",
                    81058,
                )
