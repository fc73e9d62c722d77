"""The EBS driver's provisioner: an EBS volume for each claim whose pod has a node, and the PersistentVolume of it.

It does its work only where the addon is installed: without the driver's CSIDriver a claim stays pending.
https://github.com/kubernetes-sigs/aws-ebs-csi-driver/blob/master/docs/parameters.md
"""

import asyncio
import math
from typing import Any

from botocore.session import Session
from kubernetes_asyncio import client

from infra.local.cluster.volumes import CLAIM_MARK, CLAIMS, CLASSES, VOLUME_MARK, VOLUMES, volume_name, wanted_bytes
from infra.local.following import FAILURES, Objects, follow, request

DRIVER = "ebs.csi.aws.com"
DRIVER_OBJECT = f"/apis/storage.k8s.io/v1/csidrivers/{DRIVER}"
SELECTED_NODE = "volume.kubernetes.io/selected-node"
ZONE = "topology.kubernetes.io/zone"
_GIB = 1 << 30
_KEY = "test"  # moto takes any: it opens nothing anywhere


def build_driver() -> dict[str, Any]:
    """The CSIDriver, as the addon installs it."""
    spec = {"attachRequired": True, "podInfoOnMount": False, "volumeLifecycleModes": ["Persistent"]}
    return {"apiVersion": "storage.k8s.io/v1", "kind": "CSIDriver", "metadata": {"name": DRIVER}, "spec": spec}


def wants_volume(claim: dict[str, Any]) -> bool:
    """Whether the control plane awaits a volume of EBS for the claim, on a node it has chosen."""
    marks, meta = claim["metadata"].get("annotations") or {}, claim["metadata"]
    asked = marks.get(CLAIM_MARK) == DRIVER and SELECTED_NODE in marks
    return asked and not claim["spec"].get("volumeName") and not meta.get("deletionTimestamp")


def wants_deletion(volume: dict[str, Any]) -> bool:
    """Whether the volume is EBS's, released, and not to be retained."""
    spec, status = volume["spec"], volume.get("status") or {}
    return (
        (spec.get("csi") or {}).get("driver") == DRIVER
        and status.get("phase") == "Released"
        and spec.get("persistentVolumeReclaimPolicy") == "Delete"
        and not volume["metadata"].get("deletionTimestamp")
    )


def build_request(claim: dict[str, Any], parameters: dict[str, str], zone: str) -> dict[str, Any]:
    """CreateVolume for a claim; the token makes a second attempt meet the first."""
    meta = claim["metadata"]
    tags = {
        "kubernetes.io/created-for/pvc/namespace": meta["namespace"],
        "kubernetes.io/created-for/pvc/name": meta["name"],
        "kubernetes.io/created-for/pv/name": volume_name(claim),
    }
    encrypted = parameters.get("encrypted") == "true"
    key = {"KmsKeyId": parameters["kmsKeyId"]} if encrypted and parameters.get("kmsKeyId") else {}
    pairs = [{"Key": name, "Value": value} for name, value in tags.items()]
    return {
        "AvailabilityZone": zone,
        "Size": math.ceil(wanted_bytes(claim) / _GIB),
        "VolumeType": parameters.get("type", "gp3"),
        "Encrypted": encrypted,
        "ClientToken": volume_name(claim),
        "TagSpecifications": [{"ResourceType": "volume", "Tags": pairs}],
        **key,
    }


def build_volume(claim: dict[str, Any], reclaim: str, identifier: str, zone: str) -> dict[str, Any]:
    """The PersistentVolume of an EBS volume, for its claim."""
    spec, meta = claim["spec"], claim["metadata"]
    in_zone = {"matchExpressions": [{"key": ZONE, "operator": "In", "values": [zone]}]}
    whose = {name: meta[name] for name in ("namespace", "name", "uid")}
    return {
        "apiVersion": "v1",
        "kind": "PersistentVolume",
        "metadata": {"name": volume_name(claim), "annotations": {VOLUME_MARK: DRIVER}},
        "spec": {
            "capacity": {"storage": spec["resources"]["requests"]["storage"]},
            "accessModes": spec["accessModes"],
            "storageClassName": spec["storageClassName"],
            "persistentVolumeReclaimPolicy": reclaim,
            "claimRef": {"apiVersion": "v1", "kind": "PersistentVolumeClaim", **whose},
            "csi": {"driver": DRIVER, "volumeHandle": identifier, "fsType": "ext4"},
            "nodeAffinity": {"required": {"nodeSelectorTerms": [in_zone]}},
        },
    }


class Ebs:
    """Volumes of one cluster, at the EC2 that `endpoint` plays."""

    def __init__(self, api: client.ApiClient, endpoint: str, region: str) -> None:
        self._api = api
        self._ec2 = Session().create_client(
            "ec2", endpoint_url=endpoint, region_name=region, aws_access_key_id=_KEY, aws_secret_access_key=_KEY
        )

    async def provision(self) -> None:
        """Serve claims, for ever."""
        async for claims in follow(self._api, CLAIMS):
            for claim in [each for each in claims.values() if wants_volume(each)]:
                try:
                    await self._provision(claim)
                except FAILURES as failure:  # it comes again with the next change or renewed watch
                    print(f"{claim['metadata']['name']}: {failure!r}", flush=True)

    async def reclaim(self) -> None:
        """Delete released volumes, for ever."""
        volumes: Objects
        async for volumes in follow(self._api, VOLUMES):
            for volume in [each for each in volumes.values() if wants_deletion(each)]:
                handle = volume["spec"]["csi"]["volumeHandle"]
                try:
                    await asyncio.to_thread(self._ec2.delete_volume, VolumeId=handle)
                    await request(self._api, "DELETE", f"{VOLUMES}/{volume['metadata']['name']}")
                except FAILURES as failure:
                    print(f"{handle}: {failure!r}", flush=True)

    async def _provision(self, claim: dict[str, Any]) -> None:
        await request(self._api, "GET", DRIVER_OBJECT)
        kind = await request(self._api, "GET", f"{CLASSES}/{claim['spec']['storageClassName']}")
        node = await request(self._api, "GET", f"/api/v1/nodes/{claim['metadata']['annotations'][SELECTED_NODE]}")
        zone = node["metadata"]["labels"][ZONE]
        wanted = build_request(claim, kind.get("parameters") or {}, zone)
        identifier = await self._volume(wanted)
        volume = build_volume(claim, kind.get("reclaimPolicy") or "Delete", identifier, zone)
        try:
            await request(self._api, "POST", VOLUMES, body=volume)
        except client.ApiException as refused:
            if refused.status != 409:  # made already: the claim's binding is still under way
                raise

    async def _volume(self, wanted: dict[str, Any]) -> str:
        """The id of the claim's volume. moto makes another for the same token: what is there is looked for first."""
        mark = {"Name": "tag:kubernetes.io/created-for/pv/name", "Values": [wanted["ClientToken"]]}
        there = (await asyncio.to_thread(self._ec2.describe_volumes, Filters=[mark]))["Volumes"]
        made = there[0] if there else await asyncio.to_thread(self._ec2.create_volume, **wanted)
        return str(made["VolumeId"])
