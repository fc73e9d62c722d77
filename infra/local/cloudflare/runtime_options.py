"""From what is declared to the options of the runtime (miniflare's): one Worker a script, and one for all else.

Where a zone has rules the firewall asks, the zone's routes lead to a Worker that is its firewall, and that one on to
the script's. Where two versions of a script answer, the way leads through a Worker that chooses between them.
"""

from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any, Final

from infra.local.cloudflare.bindings import runtime_bindings
from infra.local.cloudflare.deployments import served
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
SPLIT_MODULES: Final = ("split.mjs",)
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
    workers = [worker for name in sorted(scripts) for worker in _workers(name, scripts[name], routes)]
    for worker in workers:
        worker["routes"] = [pattern for pattern in worker["routes"] if pattern not in guarded]
    return {"workers": [fallback, *workers, *firewalls]}


def _workers(name: str, script: Record, routes: list[Record]) -> Iterator[dict[str, Any]]:
    """The script's versions that answer; the one that `entry_name` names has the routes."""
    patterns, versions = list(_patterns(routes, name)), served(script)
    shares = {_version_name(name, at): percentage for at, (_, percentage) in enumerate(versions)}
    for at, (version, _) in enumerate(versions):
        worker = _worker(_version_name(name, at), version, patterns if len(versions) == 1 else [])
        if at > 0:  # objects are one version's here, so that both versions' requests meet the same ones
            for binding in worker["durableObjects"].values():
                binding["scriptName"] = worker_name(name)
        yield worker
    if len(versions) > 1:
        bindings = {f"VERSION_{at}": own for at, own in enumerate(shares)}
        yield {
            "name": entry_name(name, script),
            **_own_modules(SPLIT_MODULES),
            "routes": patterns,
            "bindings": {"SHARES": [[binding, shares[own]] for binding, own in bindings.items()]},
            "serviceBindings": bindings,
            "outboundService": OUTBOUND,
        }


def _worker(own: str, script: Record, patterns: list[str]) -> dict[str, Any]:
    main, *others = sorted(script["modules"].items(), key=lambda module: module[0] != script["main_module"])
    return {
        "name": own,
        "modules": [{"type": "ESModule", "path": f"/{path}", "contents": text} for path, text in (main, *others)],
        "modulesRoot": "/",
        "compatibilityDate": script["compatibility_date"],
        "compatibilityFlags": script["compatibility_flags"],
        "routes": patterns,
        "outboundService": OUTBOUND,
        **runtime_bindings(script["bindings"]),
    }


def worker_name(script: str) -> str:
    """What the runtime calls a script; the folders of its objects begin with it."""
    return f"script-{script}"


def entry_name(script: str, record: Record) -> str:
    """What the runtime calls the Worker that a script's requests come to."""
    return worker_name(script) if len(served(record)) == 1 else f"split-{script}"


def _version_name(script: str, at: int) -> str:
    return worker_name(script) if at == 0 else f"version-{at}-{script}"


def _own_modules(names: tuple[str, ...]) -> dict[str, Any]:
    """The options of a Worker that stands for something of Cloudflare's own."""
    return {
        "modules": [{"type": "ESModule", "path": f"/{name}", "contents": _module(name)} for name in names],
        "modulesRoot": "/",
        "compatibilityDate": OWN_DATE,
        "compatibilityFlags": ["enable_request_signal"],
    }


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
                **_own_modules(FIREWALL_MODULES),
                "routes": patterns,
                "bindings": {"RULES": rules, "HOST": _only_host(all_routes)},
                "serviceBindings": {"NEXT": entry_name(script, scripts[script])},
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
