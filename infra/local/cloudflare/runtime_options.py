"""From what is declared to the options of the runtime (miniflare's): one Worker a script, and one for all else."""

from collections.abc import Iterator
from typing import Any, Final

from infra.local.cloudflare.bindings import runtime_bindings
from infra.local.cloudflare.store import Collections, Record, every

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
OUTBOUND: Final = {"network": {"allow": ["local"]}}
"""Workers reach this machine's loopback addresses and nothing else."""


def runtime_options(collections: Collections) -> dict[str, Any]:
    """`workers` for the runtime. The first answers where no route leads, and is bound to every KV namespace by id."""
    routes = list(every(collections, "routes").values())
    namespaces = sorted(every(collections, "namespaces"))
    fallback = {
        "name": NO_WORKER,
        "modules": True,
        "script": NO_WORKER_MODULE,
        "compatibilityDate": "2026-01-01",
        "kvNamespaces": {namespace: namespace for namespace in namespaces},
        "routes": list(_patterns(routes, "")),
        "outboundService": OUTBOUND,
    }
    scripts = every(collections, "scripts")
    return {"workers": [fallback, *(_worker(name, scripts[name], routes) for name in sorted(scripts))]}


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


def _patterns(routes: list[Record], script: str) -> Iterator[str]:
    """Patterns that lead to the script. Where all routes are for one host, clients on this machine mean that host."""
    hosts = {route["pattern"].partition("/")[0] for route in routes}
    for route in routes:
        if route["script"] == script:
            host, _, path = route["pattern"].partition("/")
            yield route["pattern"]
            if hosts == {host}:
                yield from (f"{local}/{path}" for local in LOOPBACK)
