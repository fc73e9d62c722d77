"""Webhooks at the edge: their records, the ledger of what they have taken, the outbox of what is delivered later."""

from typing import Any

from components.edge.manifests import KvRecord, as_json, object_binding
from components.edge.spec import EdgeSpec
from components.naming import resource_name
from runtime.contract import hooks


def build_hook_records(spec: EdgeSpec) -> list[KvRecord]:
    """Hook -> whose it is, its agent, the live versions of its secret, never that, and where answers are delivered."""
    return [
        KvRecord(
            name=resource_name(hook.tenant, spec.region, f"hook-{hook.id}"),
            key=hooks.hook_key(hook.id),
            value=as_json(hook.model_dump(exclude={"id"}, exclude_none=True)),
        )
        for hook in spec.hooks
    ]


def build_object_bindings() -> list[dict[str, Any]]:
    """The Worker's bindings to the ledgers and the outboxes, a Durable Object of each a hook."""
    classes = {hooks.BINDING_LEDGER: hooks.LEDGER_CLASS, hooks.BINDING_OUTBOX: hooks.OUTBOX_CLASS}
    return [object_binding(name, class_name) for name, class_name in classes.items()]
