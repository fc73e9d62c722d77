"""From what is declared to the options of the runtime (miniflare's): one Worker a script, and one for all else.

Where a zone has rules the firewall asks, the zone's routes lead to a Worker that is its firewall, and that one on to
the script's.
"""

from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any, Final

from infra.local.cloudflare.bindings import runtime_bindings
from infra.local.cloudflare.firewall import firewall_rules
from infra.local.cloudflare.store import Collections, Record, every, owners

LOOPBACK: Final = ("127.0.0.1", "localhost", "[::1]")
NO_WORKER: Final = "no-worker"
NO_WORKER_MODULE: Final = """export default {
  fetch(request) {
    const { hostname } = new URL(request.url);
    const text = `There is no Worker for ${hostname}: none is deployed, or no route leads to it.`;
    return new Response(text, { status: 404, headers: { "content-type": "text/plain; charset=utf-8" } });
  },
};
"""
FIREWALL_MODULES: Final = ("firewall.mjs", "evaluate.mjs")
OUTBOUND: Final = {"network": {"allow": ["local"]}}
"""Workers reach this machine's loopback addresses and nothing else."""
OWN_DATE: Final = "2026-01-01"


def runtime_options(collections: Collections) -> dict[str, Any]:
    """`workers` for the runtime. The first answers where no route leads, and is bound to every KV namespace by id."""
    routes = list(every(collections, "routes").values())
    namespaces = sorted(every(collections, "namespaces"))
    scripts = every(collections, "scripts")
    firewalls = list(_firewalls(collections, scripts))
    guarded = {pattern for firewall in firewalls for pattern in firewall["routes"]}
    fallback = {
        "name": NO_WORKER,
        "modules": True,
        "script": NO_WORKER_MODULE,
        "compatibilityDate": OWN_DATE,
        "kvNamespaces": {namespace: namespace for namespace in namespaces},
        "routes": list(_patterns(routes, "")),
        "outboundService": OUTBOUND,
    }
    workers = [_worker(name, scripts[name], routes) for name in sorted(scripts)]
    for worker in workers:
        worker["routes"] = [pattern for pattern in worker["routes"] if pattern not in guarded]
    return {"workers": [fallback, *workers, *firewalls]}


def _worker(name: str, script: Record, routes: list[Record]) -> dict[str, Any]:
    main, *others = sorted(script["modules"].items(), key=lambda module: module[0] != script["main_module"])
    return {
        "name": worker_name(name),
        "modules": [{"type": "ESModule", "path": f"/{path}", "contents": text} for path, text in (main, *others)],
        "modulesRoot": "/",
        "compatibilityDate": script["compatibility_date"],
        "compatibilityFlags": script["compatibility_flags"],
        "routes": list(_patterns(routes, name)),
        "outboundService": OUTBOUND,
        **runtime_bindings(script["bindings"]),
    }


def worker_name(script: str) -> str:
    """What the runtime calls a script; the folders of its objects begin with it."""
    return f"script-{script}"


def _firewalls(collections: Collections, scripts: dict[str, Record]) -> Iterator[dict[str, Any]]:
    """One before each script that a zone with rules has a route to."""
    all_routes = list(every(collections, "routes").values())
    for zone in owners(collections, "rulesets"):
        rules = firewall_rules(collections[f"rulesets/{zone}"])
        if not any(rules.values()):
            continue
        routes = list(collections.get(f"routes/{zone}", {}).values())
        for script in sorted({route["script"] for route in routes} & set(scripts)):
            patterns = [each for each in _patterns(all_routes, script) if _of_zone(each, routes)]
            yield {
                "name": f"firewall-{zone}-{script}",
                "modules": [
                    {"type": "ESModule", "path": f"/{name}", "contents": _module(name)} for name in FIREWALL_MODULES
                ],
                "modulesRoot": "/",
                "compatibilityDate": OWN_DATE,
                "compatibilityFlags": ["enable_request_signal"],
                "routes": patterns,
                "bindings": {"RULES": rules, "HOST": _only_host(all_routes)},
                "serviceBindings": {"NEXT": worker_name(script)},
                "outboundService": OUTBOUND,
            }


@cache
def _module(name: str) -> str:
    return (Path(__file__).parent / name).read_text()


def _of_zone(pattern: str, routes: list[Record]) -> bool:
    host = pattern.partition("/")[0]
    return host in LOOPBACK or any(pattern == route["pattern"] for route in routes)


def _only_host(routes: list[Record]) -> str:
    """The host clients on this machine mean by its loopback names; empty where there is not one only."""
    hosts = {route["pattern"].partition("/")[0] for route in routes}
    return hosts.pop() if len(hosts) == 1 else ""


def _patterns(routes: list[Record], script: str) -> Iterator[str]:
    """Patterns that lead to the script. Where all routes are for one host, clients on this machine mean that host."""
    for route in routes:
        if route["script"] == script:
            host, _, path = route["pattern"].partition("/")
            yield route["pattern"]
            if host == _only_host(routes):
                yield from (f"{local}/{path}" for local in LOOPBACK)
