"""The API of a script's versions and deployments."""

import base64
from collections.abc import Mapping
from typing import Any, Final

from aiohttp import web

from infra.local.cloudflare.bindings import public_binding, require_bindings
from infra.local.cloudflare.deployments import WHOLE, add_version, answering, deploy
from infra.local.cloudflare.errors import invalid, not_found
from infra.local.cloudflare.protocol import MODULE
from infra.local.cloudflare.requests import API, CLOUD, body, success
from infra.local.cloudflare.store import Collections, Record, collection

VERSIONS = f"{API}/accounts/{{account}}/workers/workers/{{script}}/versions"
DEPLOYMENTS = f"{API}/accounts/{{account}}/workers/scripts/{{script}}/deployments"
INHERIT: Final = "inherit"


def routes() -> list[web.RouteDef]:
    """The handlers and their paths."""
    return [
        web.get(VERSIONS, list_versions),
        web.post(VERSIONS, upload_version),
        web.get(f"{VERSIONS}/{{version}}", get_version),
        web.delete(f"{VERSIONS}/{{version}}", delete_version),
        web.get(DEPLOYMENTS, list_deployments),
        web.post(DEPLOYMENTS, add_deployment),
        web.get(f"{DEPLOYMENTS}/{{deployment}}", get_deployment),
        web.delete(f"{DEPLOYMENTS}/{{deployment}}", delete_deployment),
    ]


async def list_versions(request: web.Request) -> web.Response:
    """All that are kept, the latest first."""
    versions = _script(request, request.app[CLOUD].declared).get("versions", {}).values()
    return success([_shown(one) for one in sorted(versions, key=lambda one: -one["number"])])


async def upload_version(request: web.Request) -> web.Response:
    """Keep a version that answers nothing yet. It has the bindings of the one it inherits them from."""
    if request.query.get("deploy") != "false":
        raise invalid("deploy: only `deploy=false` is supported by the local API; deploy a version by a deployment")
    optional: dict[str, Any] = {"compatibility_flags": [], "bindings": []}
    fields = await body(request, {"main_module": str, "modules": list, "compatibility_date": str}, optional)
    modules = {part["name"]: _text(part) for part in fields["modules"]}
    if fields["main_module"] not in modules:
        raise invalid(f"main_module: there is no module {fields['main_module']!r}")

    def edit(declared: Collections) -> Record:
        script = _script(request, declared)
        bindings = [_inherited(binding, script) for binding in fields["bindings"]]
        namespaces = collection(declared, "namespaces", request.match_info["account"])
        require_bindings(bindings, namespaces, script["classes"])
        return add_version(script, {**fields, "modules": modules, "bindings": bindings})

    return success(_shown(await request.app[CLOUD].change(edit)))


async def get_version(request: web.Request) -> web.Response:
    """One version; with `include=modules` its modules too."""
    version = _version(request, request.app[CLOUD].declared)
    if request.query.get("include") != "modules":
        return success(_shown(version))
    modules = [
        {"name": name, "content_type": MODULE, "content_base64": base64.b64encode(text.encode()).decode()}
        for name, text in version["modules"].items()
    ]
    return success({**_shown(version), "modules": modules})


async def delete_version(request: web.Request) -> web.Response:
    """Forget one; not one that answers."""

    def edit(declared: Collections) -> None:
        script, version = _script(request, declared), _version(request, declared)
        if version["id"] in answering(script):
            raise invalid(f"version {version['id']} is deployed; deploy another first", 10155)
        del script["versions"][version["id"]]

    await request.app[CLOUD].change(edit)
    return success(None)


async def list_deployments(request: web.Request) -> web.Response:
    """All that are kept, the latest first: that is the one that holds."""
    return success({"deployments": _script(request, request.app[CLOUD].declared).get("deployments", [])})


async def add_deployment(request: web.Request) -> web.Response:
    """Have these versions answer, each its percentage of requests."""
    fields = await body(request, {"strategy": str, "versions": list})
    if fields["strategy"] != "percentage":
        raise invalid(f"strategy: {fields['strategy']!r} is not 'percentage'", 10161)
    shares = [_share(one) for one in fields["versions"]]
    if sum(share["percentage"] for share in shares) != WHOLE or not 1 <= len(shares) <= 2:
        raise invalid("versions: must be one or two, and their percentages add up to 100", 10161)

    def edit(declared: Collections) -> Record:
        script = _script(request, declared)
        for share in shares:
            if share["version_id"] not in script.get("versions", {}):
                raise not_found(f"version {share['version_id']} of script {request.match_info['script']}", 10158)
        return deploy(script, shares)

    return success(await request.app[CLOUD].change(edit))


async def get_deployment(request: web.Request) -> web.Response:
    """One deployment, whether or not it still holds."""
    return success(_deployment(request, request.app[CLOUD].declared))


async def delete_deployment(request: web.Request) -> web.Response:
    """Forget one; not the one that holds."""

    def edit(declared: Collections) -> None:
        script, deployment = _script(request, declared), _deployment(request, declared)
        if script["deployments"][0] is deployment:
            raise invalid("the latest deployment answers requests and cannot be deleted", 10160)
        script["deployments"].remove(deployment)

    await request.app[CLOUD].change(edit)
    return success(None)


def _inherited(binding: Any, script: Record) -> Any:
    """A binding to inherit becomes the one it is; any other stays as it is given."""
    if not isinstance(binding, Mapping) or binding.get("type") != INHERIT:
        return binding
    source = script.get("versions", {}).get(binding.get("version_id"))
    if source is None:
        raise not_found(f"version {binding.get('version_id')} to inherit {binding.get('name')} from", 10158)
    found = next((one for one in source["bindings"] if one["name"] == binding.get("name")), None)
    if found is None:
        raise invalid(f"bindings.{binding.get('name')}: version {source['id']} has none of that name to inherit", 10021)
    return found


def _text(module: Any) -> str:
    try:
        if module["content_type"] == MODULE:
            return base64.b64decode(module["content_base64"], validate=True).decode()
    except (KeyError, TypeError, ValueError):
        raise invalid("modules: each needs name, content_type and content_base64") from None
    raise invalid(f"modules.{module['name']}: only ES modules are supported by the local API ({MODULE})")


def _share(given: Any) -> Record:
    match given:
        case {"version_id": str(version), "percentage": int() | float() as percentage, **rest} if not rest:
            if 0 < percentage <= WHOLE:
                return {"version_id": version, "percentage": percentage}
    raise invalid("versions: each needs a version_id and a percentage above 0, 100 at most", 10161)


def _shown(version: Record) -> Record:
    shown = {field: value for field, value in version.items() if field != "modules"}
    return {**shown, "bindings": [public_binding(one) for one in version["bindings"]]}


def _script(request: web.Request, declared: Collections) -> Record:
    name = request.match_info["script"]
    script = collection(declared, "scripts", request.match_info["account"]).get(name)
    if script is None:
        raise not_found(f"script {name}", 10007)
    script.setdefault("versions", {})
    script.setdefault("deployments", [])
    return script


def _version(request: web.Request, declared: Collections) -> Record:
    version: Record | None = _script(request, declared)["versions"].get(request.match_info["version"])
    if version is None:
        raise not_found(f"version {request.match_info['version']}", 10158)
    return version


def _deployment(request: web.Request, declared: Collections) -> Record:
    wanted = request.match_info["deployment"]
    for one in _script(request, declared)["deployments"]:
        if one["id"] == wanted:
            found: Record = one
            return found
    raise not_found(f"deployment {wanted}", 10159)
