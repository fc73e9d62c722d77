"""A zone's settings: always there, changed one by one, never deleted. Kept, not acted on: clients here speak no TLS."""

from typing import Any

from aiohttp import web

from infra.local.cloudflare.errors import invalid, not_found
from infra.local.cloudflare.requests import API, CLOUD, body, now, success
from infra.local.cloudflare.store import Collections, Record, collection

SETTING = f"{API}/zones/{{zone}}/settings/{{setting}}"
ON_OFF = ("on", "off")
VALUES: dict[str, tuple[Any, ...]] = {
    "0rtt": ON_OFF,
    "always_use_https": ON_OFF,
    "min_tls_version": ("1.0", "1.1", "1.2", "1.3"),
    "ssl": ("off", "flexible", "full", "strict"),
    "tls_1_3": ("on", "off", "zrt"),
}
"""Setting -> what it can be, the first at first; https://developers.cloudflare.com/api/resources/zones/subresources/settings/"""
HSTS = "security_header"
HSTS_FIELDS = {"enabled": bool, "include_subdomains": bool, "max_age": int, "nosniff": bool, "preload": bool}
LONGEST_HSTS_S = 31_536_000


def routes() -> list[web.RouteDef]:
    """The handlers and their paths."""
    return [web.get(SETTING, get_setting), web.patch(SETTING, change_setting)]


async def get_setting(request: web.Request) -> web.Response:
    """One setting; what nobody has changed is as a new zone has it."""
    name = _name(request)
    settings = collection(request.app[CLOUD].declared, "settings", request.match_info["zone"])
    return success(settings.get(name) or {"id": name, "value": _initial(name), "editable": True, "modified_on": None})


async def change_setting(request: web.Request) -> web.Response:
    """Another value for it."""
    name = _name(request)
    value = (await body(request, {}, {"value": None}))["value"]
    _require_value(name, value)

    def edit(declared: Collections) -> Record:
        changed: Record = {"id": name, "value": value, "editable": True, "modified_on": now()}
        collection(declared, "settings", request.match_info["zone"])[name] = changed
        return changed

    return success(await request.app[CLOUD].change(edit))


def _name(request: web.Request) -> str:
    name = request.match_info["setting"]
    if name != HSTS and name not in VALUES:
        raise not_found(f"zone setting {name}", 1003)
    return name


def _initial(name: str) -> Any:
    if name == HSTS:
        return {"strict_transport_security": {field: kind() for field, kind in HSTS_FIELDS.items()}}
    return VALUES[name][0]


def _require_value(name: str, value: Any) -> None:
    if name != HSTS:
        if value not in VALUES[name]:
            raise invalid(f"{name}: {value!r} is none of {', '.join(VALUES[name])}", 1007)
        return
    header = value.get("strict_transport_security") if isinstance(value, dict) else None
    if not isinstance(header, dict) or {key: type(one) for key, one in header.items()} != HSTS_FIELDS:
        raise invalid(f"{name}: strict_transport_security needs {', '.join(HSTS_FIELDS)}", 1007)
    if not 0 <= header["max_age"] <= LONGEST_HSTS_S:
        raise invalid(f"{name}: max_age {header['max_age']} must be 0 to {LONGEST_HSTS_S} seconds", 1007)
