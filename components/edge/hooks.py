"""Webhooks at the edge: their records, and the ledger of what they have taken."""

from typing import Any

from components.edge.manifests import KvRecord, as_json
from components.edge.spec import EdgeSpec
from components.naming import resource_name
from runtime.contract import hooks


def build_hook_records(spec: EdgeSpec) -> list[KvRecord]:
    """Hook -> whose it is, the agent its deliveries are for, and the live versions of its secret; never the secret."""
    return [
        KvRecord(
            name=resource_name(hook.tenant, spec.region, f"hook-{hook.id}"),
            key=hooks.hook_key(hook.id),
            value=as_json({"tenant": hook.tenant, "agent": hook.agent, "versions": list(hook.versions)}),
        )
        for hook in spec.hooks
    ]


def build_ledger_binding() -> dict[str, Any]:
    """The Worker's binding to the ledgers, one Durable Object a hook."""
    return {"name": hooks.BINDING_LEDGER, "type": "durable_object_namespace", "class_name": hooks.LEDGER_CLASS}
