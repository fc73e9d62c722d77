"""GPUs of a node that has none: the extended resource kept in its status.

The kubelet drops what no device plugin reports whenever it registers anew, hence not once but for as long as it runs.
"""

from typing import Any

from kubernetes_asyncio import client

from infra.local.cluster.kubelet import GPU_RESOURCE, GPUS
from infra.local.following import FAILURES, follow, request

NODES = "/api/v1/nodes"


def lacks_gpus(node: dict[str, Any]) -> bool:
    """Whether the node's status says other than it should."""
    status = node.get("status") or {}
    return any((status.get(field) or {}).get(GPU_RESOURCE) != str(GPUS) for field in ("capacity", "allocatable"))


async def keep_gpus(api: client.ApiClient, name: str) -> None:
    """Patch the node's status whenever it lacks the GPUs, for ever."""
    values = {GPU_RESOURCE: str(GPUS)}
    async for nodes in follow(api, NODES, fieldSelector=f"metadata.name={name}"):
        for node in nodes.values():
            if lacks_gpus(node):
                patch = {"status": {"capacity": values, "allocatable": values}}
                try:
                    await request(api, "PATCH", f"{NODES}/{name}/status", None, patch, "application/merge-patch+json")
                except FAILURES as failure:
                    print(f"{name}: {failure!r}", flush=True)
