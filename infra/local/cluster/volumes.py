"""The provisioner of local volumes: a disk of its own for each claim, deleted with it.

Where no disks can be had, a volume is a folder, and its size is not enforced.

It takes the part of an external provisioner: the control plane marks a claim with the provisioner's name once a volume
is wanted (at once, or when its pod is placed), and leaves deleting a released volume to it.
"""

import asyncio
import math
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from kubernetes_asyncio import client

from infra.local.cluster.disks import Disk
from infra.local.following import Objects, follow, request
from infra.local.providers.kubernetes import quantity
from runtime.contract.labels import DOMAIN

PROVISIONER = f"{DOMAIN}/local-dir"

CLAIMS = "/api/v1/persistentvolumeclaims"
VOLUMES = "/api/v1/persistentvolumes"
CLASSES = "/apis/storage.k8s.io/v1/storageclasses"
CLAIM_MARK = "volume.kubernetes.io/storage-provisioner"
VOLUME_MARK = "pv.kubernetes.io/provisioned-by"


def wants_volume(claim: dict[str, Any]) -> bool:
    """Whether the control plane awaits a volume of ours for the claim."""
    marks = claim["metadata"].get("annotations") or {}
    return (
        marks.get(CLAIM_MARK) == PROVISIONER
        and not claim["spec"].get("volumeName")
        and not claim["metadata"].get("deletionTimestamp")
    )


def is_ours(volume: dict[str, Any]) -> bool:
    """Whether we made the volume."""
    return (volume["metadata"].get("annotations") or {}).get(VOLUME_MARK) == PROVISIONER


def wants_deletion(volume: dict[str, Any]) -> bool:
    """Whether the volume is ours, released, and not to be retained."""
    return (
        is_ours(volume)
        and (volume.get("status") or {}).get("phase") == "Released"
        and volume["spec"].get("persistentVolumeReclaimPolicy") == "Delete"
        and not volume["metadata"].get("deletionTimestamp")
    )


def volume_name(claim: dict[str, Any]) -> str:
    """Name of a claim's volume; from its uid, so that it can be no path and a second attempt meets the first."""
    return f"pvc-{claim['metadata']['uid']}"


def build_volume(claim: dict[str, Any], reclaim: str, folder: Path, node: str) -> dict[str, Any]:
    """The PersistentVolume for a claim: a folder of one node."""
    spec, meta = claim["spec"], claim["metadata"]
    on_node = {"key": "kubernetes.io/hostname", "operator": "In", "values": [node]}
    return {
        "apiVersion": "v1",
        "kind": "PersistentVolume",
        "metadata": {"name": volume_name(claim), "annotations": {VOLUME_MARK: PROVISIONER}},
        "spec": {
            "capacity": {"storage": spec["resources"]["requests"]["storage"]},
            "accessModes": spec["accessModes"],
            "volumeMode": "Filesystem",
            "storageClassName": spec["storageClassName"],
            "persistentVolumeReclaimPolicy": reclaim,
            "claimRef": {
                "apiVersion": "v1",
                "kind": "PersistentVolumeClaim",
                "namespace": meta["namespace"],
                "name": meta["name"],
                "uid": meta["uid"],
            },
            "local": {"path": str(folder)},
            "nodeAffinity": {"required": {"nodeSelectorTerms": [{"matchExpressions": [on_node]}]}},
        },
    }


def wanted_bytes(claim: dict[str, Any]) -> int:
    """The size the claim asks for."""
    size = quantity.parse(claim["spec"]["resources"]["requests"]["storage"])
    if size is None:
        raise ValueError(f"claim {claim['metadata']['name']}: its size is no quantity")
    return math.ceil(size)


async def provision(api: client.ApiClient, root: Path, node: str, *, sized: bool) -> None:
    """Serve claims for ever; `sized` gives each volume a disk, else it is a folder."""
    async for claims in follow(api, CLAIMS):
        await _each(_provision_one(api, claim, root, node, sized) for claim in claims.values() if wants_volume(claim))


async def keep_attached(api: client.ApiClient, root: Path) -> None:
    """Mount every volume's disk that isn't mounted, for ever: none is after a restart."""
    async for volumes in follow(api, VOLUMES):
        ours = [volume["metadata"]["name"] for volume in volumes.values() if is_ours(volume)]
        await _each(asyncio.to_thread(Disk(root, name).attach) for name in ours)


async def reclaim(api: client.ApiClient, root: Path) -> None:
    """Delete released volumes with their disks, for ever."""
    volumes: Objects
    async for volumes in follow(api, VOLUMES):
        await _each(_reclaim_one(api, volume, root) for volume in volumes.values() if wants_deletion(volume))


async def _provision_one(api: client.ApiClient, claim: dict[str, Any], root: Path, node: str, sized: bool) -> None:
    storage_class = await request(api, "GET", f"{CLASSES}/{claim['spec']['storageClassName']}")
    disk = Disk(root, volume_name(claim))
    await asyncio.to_thread(disk.make, wanted_bytes(claim) if sized else None)
    volume = build_volume(claim, storage_class.get("reclaimPolicy") or "Delete", disk.data, node)
    try:
        await request(api, "POST", VOLUMES, body=volume)
    except client.ApiException as refused:
        if refused.status != 409:  # made already: the claim's binding is still under way
            raise
    else:
        print(f"{claim['metadata']['namespace']}/{claim['metadata']['name']}: made {disk.data}", flush=True)


async def _reclaim_one(api: client.ApiClient, volume: dict[str, Any], root: Path) -> None:
    name = volume["metadata"]["name"]
    await asyncio.to_thread(Disk(root, name).remove)
    await request(api, "DELETE", f"{VOLUMES}/{name}")
    print(f"{name}: deleted with its disk", flush=True)


async def _each(jobs: Iterable[Any]) -> None:
    """Do all; a failed one is reported, and comes again with the next change or renewed watch."""
    for result in await asyncio.gather(*jobs, return_exceptions=True):
        if isinstance(result, Exception):
            print(f"failed: {result!r}", flush=True)
