"""Workers KV: namespaces and their values."""

from typing import Any

from aiohttp import web

from infra.local.cloudflare.errors import invalid, not_found, taken
from infra.local.cloudflare.requests import API, CLOUD, body, new_record, success
from infra.local.cloudflare.store import Collections, Record, collection, every

NAMESPACES = f"{API}/accounts/{{account}}/storage/kv/namespaces"
NAMESPACE = f"{NAMESPACES}/{{namespace}}"
VALUE = f"{NAMESPACE}/values/{{key:.+}}"
LARGEST_VALUE = 25 * 1024 * 1024
LONGEST_KEY = 512


def routes() -> list[web.RouteDef]:
    """The handlers and their paths."""
    return [
        web.get(NAMESPACES, list_namespaces),
        web.post(NAMESPACES, create_namespace),
        web.get(NAMESPACE, get_namespace),
        web.put(NAMESPACE, rename_namespace),
        web.delete(NAMESPACE, delete_namespace),
        web.get(f"{NAMESPACE}/keys", list_keys),
        web.get(VALUE, get_value),
        web.put(VALUE, put_value),
        web.delete(VALUE, delete_value),
    ]


async def list_namespaces(request: web.Request) -> web.Response:
    """All of an account, in one page."""
    return success(list(_namespaces(request, request.app[CLOUD].declared).values()))


async def create_namespace(request: web.Request) -> web.Response:
    """Titles are unique in an account."""
    fields = await body(request, {"title": str})
    record = new_record(request, {**fields, "supports_url_encoding": True})

    def edit(declared: Collections) -> Record:
        namespaces = _namespaces(request, declared)
        _require_free_title(namespaces, fields["title"])
        namespaces[record["id"]] = record
        return record

    return success(await request.app[CLOUD].change(edit))


async def get_namespace(request: web.Request) -> web.Response:
    """One namespace."""
    return success(_namespace(request, request.app[CLOUD].declared))


async def rename_namespace(request: web.Request) -> web.Response:
    """Give it another title."""
    fields = await body(request, {"title": str})

    def edit(declared: Collections) -> Record:
        record = _namespace(request, declared)
        others = {id_: one for id_, one in _namespaces(request, declared).items() if id_ != record["id"]}
        _require_free_title(others, fields["title"])
        record["title"] = fields["title"]
        return record

    return success(await request.app[CLOUD].change(edit))


async def delete_namespace(request: web.Request) -> web.Response:
    """Delete it and its values; refused while a script is bound to it."""
    cloud = request.app[CLOUD]
    _require_unbound(cloud.declared, _namespace(request, cloud.declared)["id"])
    await cloud.host.clear(request.match_info["namespace"])

    def edit(declared: Collections) -> None:
        _require_unbound(declared, _namespace(request, declared)["id"])
        del _namespaces(request, declared)[request.match_info["namespace"]]

    await cloud.change(edit)
    return success({})


async def list_keys(request: web.Request) -> web.Response:
    """A page of keys: `prefix`, `limit` and `cursor` as in the query."""
    cloud = request.app[CLOUD]
    namespace = _namespace(request, cloud.declared)["id"]
    query: dict[str, Any] = {name: request.query[name] for name in ("prefix", "cursor") if request.query.get(name)}
    limit = request.query.get("limit", "1000")
    if not limit.isdigit() or not 10 <= int(limit) <= 1000:
        raise invalid(f"limit: {limit!r} must be 10 to 1000")
    page = await cloud.host.keys(namespace, limit=int(limit), **query)
    return success(page["keys"], result_info={"count": len(page["keys"]), "cursor": page["cursor"]})


async def get_value(request: web.Request) -> web.Response:
    """The value itself, as it was written."""
    cloud = request.app[CLOUD]
    value = await cloud.host.get(_namespace(request, cloud.declared)["id"], _key(request))
    if value is None:
        raise not_found(f"get: key {_key(request)!r}", 10009)
    return web.Response(body=value, content_type="application/octet-stream")


async def put_value(request: web.Request) -> web.Response:
    """Write the request's body."""
    cloud = request.app[CLOUD]
    namespace = _namespace(request, cloud.declared)["id"]
    if request.query or request.content_type.startswith("multipart/"):
        raise invalid("values with metadata or an expiration are not supported by the local API", 10033)
    await cloud.host.put(namespace, _key(request), await request.read())
    return success({})


async def delete_value(request: web.Request) -> web.Response:
    """Remove a value; not an error when there is none."""
    cloud = request.app[CLOUD]
    await cloud.host.delete(_namespace(request, cloud.declared)["id"], _key(request))
    return success({})


def _namespaces(request: web.Request, declared: Collections) -> dict[str, Record]:
    return collection(declared, "namespaces", request.match_info["account"])


def _namespace(request: web.Request, declared: Collections) -> Record:
    id_ = request.match_info["namespace"]
    namespace = _namespaces(request, declared).get(id_)
    if namespace is None:
        raise not_found(f"KV namespace {id_}", 10013)
    return namespace


def _key(request: web.Request) -> str:
    key = request.match_info["key"]
    if len(key.encode()) > LONGEST_KEY:
        raise invalid(f"key: longer than {LONGEST_KEY} bytes", 10030)
    return key


def _require_free_title(namespaces: dict[str, Record], title: str) -> None:
    if any(namespace["title"] == title for namespace in namespaces.values()):
        raise taken(f"title: there is a KV namespace {title!r} in this account already", 10014)


def _require_unbound(declared: Collections, namespace: str) -> None:
    for name, script in every(declared, "scripts").items():
        if any(binding.get("namespace_id") == namespace for binding in script["bindings"]):
            raise taken(f"KV namespace {namespace} is bound to script {name}: delete that first", 10041)
