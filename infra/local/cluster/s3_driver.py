"""The stand-in for the Mountpoint for Amazon S3 CSI driver, as the cluster knows it: its object, its process."""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from components.models.manifests import DRIVER
from infra.local.python_program import python_program
from infra.local.supervisord import Program

OBJECT = f"/apis/storage.k8s.io/v1/csidrivers/{DRIVER}"


def build_object() -> dict[str, Any]:
    """The CSIDriver: nothing is attached to a node, and volumes come from PersistentVolumes alone."""
    spec = {"attachRequired": False, "volumeLifecycleModes": ["Persistent"]}
    return {"apiVersion": "storage.k8s.io/v1", "kind": "CSIDriver", "metadata": {"name": DRIVER}, "spec": spec}


def is_registered(csi_node: Mapping[str, Any] | None) -> bool:
    """Whether the kubelet has taken up the driver, by its CSINode."""
    drivers = ((csi_node or {}).get("spec") or {}).get("drivers") or []
    return any(driver["name"] == DRIVER for driver in drivers)


def build_program(endpoint: str, node: str, copies: Path, ready: Callable[[], bool]) -> Program:
    """The plugin's process; `endpoint` is the S3 it copies from, `copies` the folder it copies to."""
    arguments = [f"--endpoint={endpoint}", f"--node={node}", f"--copies={copies}"]
    address = f"volumes of {DRIVER}: copies from {endpoint}"
    return python_program("s3-volumes", "infra.local.cluster.s3_volumes", arguments, ready=ready, address=address)
