"""What the programs on each node would do, where nodes are simulated and no program runs on any.

Nothing happens on a node before the pod that would do it is Ready there: a cluster without Cilium keeps its taints, and
one without the device plugin has no GPU to give.
"""

import argparse
import asyncio
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from kubernetes_asyncio import client

from components.cluster.cilium_manifests import NOT_READY_TAINT
from components.cluster.device_manifests import PLUGIN
from infra.local.aws.eks.ebs import Ebs
from infra.local.aws.eks.nodes import GPUS_ANNOTATION
from infra.local.cluster.kubelet import GPU_RESOURCE
from infra.local.following import FAILURES, Objects, connect, follow, request
from infra.local.termination import until_terminated

CILIUM = {"k8s-app": "cilium"}
DEVICE_PLUGIN = {"app.kubernetes.io/name": PLUGIN}
_MERGE = "application/merge-patch+json"


def runs_on(pods: Objects, node: str, labels: Mapping[str, str]) -> bool:
    """Whether a pod with these labels is Ready on the node."""
    return any(
        (pod.get("spec") or {}).get("nodeName") == node
        and labels.items() <= (pod["metadata"].get("labels") or {}).items()
        and any(
            (one["type"], one["status"]) == ("Ready", "True")
            for one in (pod.get("status") or {}).get("conditions") or []
        )
        for pod in pods.values()
    )


def untainted(node: Mapping[str, Any]) -> dict[str, Any] | None:
    """The change that lets pods onto a node whose network is up; None where nothing keeps them off."""
    taints = node["spec"].get("taints") or []
    kept = [taint for taint in taints if taint["key"] != NOT_READY_TAINT]
    if len(kept) == len(taints):
        return None
    # With its version: who puts another taint there meanwhile is not undone, and this is tried again.
    return {"metadata": {"resourceVersion": node["metadata"]["resourceVersion"]}, "spec": {"taints": kept}}


def with_gpus(node: Mapping[str, Any]) -> dict[str, Any] | None:
    """The change that gives a node its GPUs; None where it has them, or has none."""
    gpus = (node["metadata"].get("annotations") or {}).get(GPUS_ANNOTATION, "0")
    said = (node.get("status") or {}).get("allocatable") or {}
    if gpus == "0" or said.get(GPU_RESOURCE) == gpus:
        return None
    return {"status": {"capacity": {GPU_RESOURCE: gpus}, "allocatable": {GPU_RESOURCE: gpus}}}


async def run(kubeconfig: Path, endpoint: str, region: str) -> None:
    """Do it for every node whenever a node or a pod changes, and serve claims, until SIGTERM."""
    api = await connect(kubeconfig)
    ebs = Ebs(api, endpoint, region)
    seen: dict[str, Objects] = {"nodes": {}, "pods": {}}
    changed = asyncio.Event()

    async def watch(kind: str) -> None:
        async for objects in follow(api, f"/api/v1/{kind}"):
            seen[kind] = objects
            changed.set()

    async def act() -> None:
        while True:
            await changed.wait()
            changed.clear()
            for node in list(seen["nodes"].values()):
                await _tend(api, node, seen["pods"])

    try:
        with until_terminated():
            async with asyncio.TaskGroup() as group:
                group.create_task(watch("nodes"))
                group.create_task(watch("pods"))
                group.create_task(act())
                group.create_task(ebs.provision())
                group.create_task(ebs.reclaim())
    finally:
        await api.close()


async def _tend(api: client.ApiClient, node: dict[str, Any], pods: Objects) -> None:
    name = node["metadata"]["name"]
    changes = [
        (f"/api/v1/nodes/{name}", untainted(node) if runs_on(pods, name, CILIUM) else None),
        (f"/api/v1/nodes/{name}/status", with_gpus(node) if runs_on(pods, name, DEVICE_PLUGIN) else None),
    ]
    for path, change in changes:
        if change is None:
            continue
        try:
            await request(api, "PATCH", path, None, change, _MERGE)
        except FAILURES as failure:
            print(f"{name}: {failure!r}", flush=True)


def main() -> None:
    """Command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--kubeconfig", type=Path, required=True)
    parser.add_argument("--aws", required=True, help="URL of the AWS that has the volumes")
    parser.add_argument("--region", required=True)
    own = parser.parse_args()
    asyncio.run(run(own.kubeconfig, own.aws, own.region))


if __name__ == "__main__":
    main()
