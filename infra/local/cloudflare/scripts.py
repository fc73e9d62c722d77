"""Worker scripts: uploaded as modules with metadata, run by the runtime."""

import hashlib
import json
import re
from typing import Any

from aiohttp import BodyPartReader, web

from infra.local.cloudflare.bindings import kept_bindings, public_binding, require_bindings, require_types
from infra.local.cloudflare.deployments import uploaded
from infra.local.cloudflare.errors import invalid, not_found
from infra.local.cloudflare.migrations import migrated, require_shape
from infra.local.cloudflare.protocol import KEEP_BINDINGS, METADATA, MIGRATIONS, MODULE
from infra.local.cloudflare.requests import API, CLOUD, now, success
from infra.local.cloudflare.store import Collections, Record, collection, every

SCRIPTS = f"{API}/accounts/{{account}}/workers/scripts"
SCRIPT = f"{SCRIPTS}/{{script}}"
NAME = re.compile(r"[a-z0-9_][a-z0-9-_]{0,62}")


def routes() -> list[web.RouteDef]:
    """The handlers and their paths."""
    return [
        web.get(SCRIPTS, list_scripts),
        web.put(SCRIPT, upload_script),
        web.get(SCRIPT, get_content),
        web.get(f"{SCRIPT}/settings", get_settings),
        web.delete(SCRIPT, delete_script),
    ]


async def list_scripts(request: web.Request) -> web.Response:
    """All of an account, in one page."""
    return success([_summary(name, one) for name, one in _scripts(request, request.app[CLOUD].declared).items()])


async def upload_script(request: web.Request) -> web.Response:
    """Deploy it, in place of the one of that name. It runs when the answer comes; one that can't start is refused."""
    name = request.match_info["script"]
    if not NAME.fullmatch(name):
        raise invalid(f"script name {name!r}: must match {NAME.pattern}", 10016)
    script = await _parse(request)
    migrations, kept = script.pop(MIGRATIONS), script.pop(KEEP_BINDINGS)

    def edit(declared: Collections) -> Record:
        _require_own_name(request, declared)
        scripts = _scripts(request, declared)
        script.update(migrated(scripts.get(name), migrations))
        stays = kept_bindings(scripts.get(name, {}).get("bindings", []), script["bindings"], kept)
        script["bindings"] = [*script["bindings"], *stays]
        namespaces = collection(declared, "namespaces", request.match_info["account"])
        require_bindings(script["bindings"], namespaces, script["classes"])
        script["created_on"] = scripts.get(name, {}).get("created_on", script["modified_on"])
        uploaded(script, scripts.get(name))
        scripts[name] = script
        return script

    return success(_summary(name, await request.app[CLOUD].change(edit)))


async def get_content(request: web.Request) -> web.Response:
    """The main module's text."""
    script = _script(request, request.app[CLOUD].declared)
    text = script["modules"][script["main_module"]]
    return web.Response(text=text, content_type="application/javascript", headers={"ETag": script["etag"]})


async def get_settings(request: web.Request) -> web.Response:
    """How it is deployed; secrets by name only."""
    script = _script(request, request.app[CLOUD].declared)
    settings = {field: script.get(field, usual) for field, (_, usual) in METADATA.items() if field != "main_module"}
    return success({**settings, "bindings": [public_binding(one) for one in script["bindings"]]})


async def delete_script(request: web.Request) -> web.Response:
    """Stop it, and forget its objects. A route to it stays, and leads nowhere."""

    def edit(declared: Collections) -> None:
        _script(request, declared)
        del _scripts(request, declared)[request.match_info["script"]]

    await request.app[CLOUD].change(edit)
    request.app[CLOUD].host.forget_objects(request.match_info["script"])
    return success(None)


async def _parse(request: web.Request) -> Record:
    """The script of a multipart upload. Raises `ApiError`."""
    parts = await _parts(request)
    try:
        metadata = json.loads(parts.pop("metadata"))
    except (KeyError, ValueError):
        raise invalid("metadata: a JSON part of that name is needed") from None
    if unknown := sorted(set(metadata) - {*METADATA, MIGRATIONS, KEEP_BINDINGS}):
        raise invalid(f"metadata: {', '.join(unknown)} not supported by the local API")
    if metadata.setdefault(MIGRATIONS, None) is not None:
        require_shape(metadata[MIGRATIONS])
    require_types(metadata.setdefault(KEEP_BINDINGS, []))
    for field, (kind, default) in METADATA.items():
        if not isinstance(metadata.setdefault(field, default), kind):
            raise invalid(f"metadata.{field}: must be given, as {kind.__name__}")
    if metadata["main_module"] not in parts:
        raise invalid(f"metadata.main_module: there is no part {metadata['main_module']!r}")
    if not re.fullmatch(r"\d{4}-\d\d-\d\d", metadata["compatibility_date"]):
        raise invalid(f"metadata.compatibility_date: {metadata['compatibility_date']!r} is not a date (YYYY-MM-DD)")
    etag = hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()
    return {**metadata, "modules": parts, "etag": etag, "modified_on": now()}


async def _parts(request: web.Request) -> dict[str, str]:
    """Metadata and modules by part name; every part but the metadata is an ES module."""
    if not request.content_type.startswith("multipart/"):
        raise invalid("a script is uploaded as multipart/form-data")
    parts: dict[str, str] = {}
    async for part in await request.multipart():
        if not isinstance(part, BodyPartReader) or not part.name:
            raise invalid("every part of an upload needs a name")
        if part.name != "metadata" and part.headers.get("Content-Type", "").partition(";")[0] != MODULE:
            raise invalid(f"{part.name}: only ES modules are supported by the local API ({MODULE})")
        parts[part.name] = await part.text(encoding="utf-8")
    return parts


def _scripts(request: web.Request, declared: Collections) -> dict[str, Record]:
    return collection(declared, "scripts", request.match_info["account"])


def _script(request: web.Request, declared: Collections) -> Record:
    name = request.match_info["script"]
    script = _scripts(request, declared).get(name)
    if script is None:
        raise not_found(f"script {name}", 10007)
    return script


def _require_own_name(request: web.Request, declared: Collections) -> None:
    """Routes name scripts, so the local API keeps one set of names for all accounts."""
    name = request.match_info["script"]
    if name in every(declared, "scripts") and name not in _scripts(request, declared):
        raise invalid(f"script name {name!r}: another account of this local API has it; choose another")


def _summary(name: str, script: Record) -> dict[str, Any]:
    keep = ("created_on", "modified_on", "etag", "main_module")
    tag = {} if script.get("migration_tag") is None else {"migration_tag": script["migration_tag"]}
    return {"id": name, "has_assets": False, "has_modules": True, **{field: script[field] for field in keep}, **tag}
