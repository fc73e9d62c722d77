"""What the edge's Worker is bound to, and its half of the routing table."""

import hashlib
from typing import Any

from components.edge.kv import KvRecord, as_json
from components.edge.spec import EdgeSpec
from components.naming import PLATFORM, resource_name
from runtime.contract import edge, hooks, rates

BINDING_TYPES = ("durable_object_namespace", "kv_namespace", "plain_text", "ratelimit", "secret_text")
"""Of what kinds the Worker's bindings are."""


def build_region_records(spec: EdgeSpec) -> list[KvRecord]:
    """Region -> its gateways."""
    return [
        KvRecord(
            name=resource_name(PLATFORM, name, "origin"),
            key=edge.region_key(name),
            value=as_json({"origin": region.origin, "near": list(region.near), "state": region.state}),
        )
        for name, region in spec.regions.items()
    ]


def build_limit_bindings(spec: EdgeSpec) -> list[dict[str, Any]]:
    """The exact limiter and the coarse walls, as a Worker's bindings.

    A wall's counts belong to its `namespace_id`, a number that is the account's own: those made of one region's name
    aren't another's.
    """
    walls = [
        {
            "name": name,
            "type": "ratelimit",
            "namespace_id": str(_wall_namespace(spec.script_name, name)),
            "simple": {"limit": limit, "period": rates.WALL_PERIOD_S},
        }
        for name, limit in rates.WALLS
    ]
    return [_object_binding(rates.BINDING_LIMITER, rates.LIMITER_CLASS), *walls]


def build_hook_bindings() -> list[dict[str, Any]]:
    """The Worker's bindings to the hooks' ledgers and outboxes, a Durable Object of each a hook."""
    classes = {hooks.BINDING_LEDGER: hooks.LEDGER_CLASS, hooks.BINDING_OUTBOX: hooks.OUTBOX_CLASS}
    return [_object_binding(name, class_name) for name, class_name in classes.items()]


def build_text_bindings(*, client_certificates: bool) -> list[dict[str, Any]]:
    """What the Worker is told in so many words: whether its host name asks for client certificates."""
    told = {"name": edge.BINDING_CLIENT_CERTIFICATES, "type": "plain_text", "text": "asked for"}
    return [told] if client_certificates else []


def binding_names(spec: EdgeSpec) -> list[str]:
    """What the Worker's bindings are called, but for its text bindings: who needs those can say them again."""
    built = [*build_limit_bindings(spec), *build_hook_bindings()]
    namespaces = (edge.BINDING_KEYS, edge.BINDING_ROUTES, edge.BINDING_TENANTS)
    return [*namespaces, edge.SECRET_PEPPER, edge.SECRET_SIGNING_KEY, *(each["name"] for each in built)]


def _object_binding(name: str, class_name: str) -> dict[str, Any]:
    return {"name": name, "type": "durable_object_namespace", "class_name": class_name}


def _wall_namespace(script: str, wall: str) -> int:
    # A positive whole number is asked for; 31 bits of a hash are one, and are the same every time.
    return 1 + int.from_bytes(hashlib.sha256(f"{script}/{wall}".encode()).digest()[:4]) % (2**31 - 1)
