"""Nodes without a machine behind them, for users who are not root: kwok answers for them. No pod really runs."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from infra.local.cluster import rbac
from infra.local.cluster.addresses import Addresses
from infra.local.cluster.api import Api
from infra.local.cluster.control_plane import ControlPlane
from infra.local.cluster.kubelet import GPU_CLASS, GPU_RESOURCE, GPUS
from infra.local.processes import Processes
from infra.local.supervisord import Program
from runtime.contract import labels

LIMITS = (
    "nodes are simulated: pods are scheduled and shown as running, but no container starts, no NetworkPolicy is "
    "enforced and no chat can be answered; run as root for a real node"
)
STAGES = Path(__file__).with_name("simulated_stages.yaml")
ANNOTATION = "kwok.x-k8s.io/node"
CAPACITY = {"cpu": "32", "memory": "256Gi", "pods": "110", GPU_RESOURCE: str(GPUS)}


def build_node(addresses: Addresses) -> dict[str, Any]:
    """The simulated Node."""
    node_labels = {
        labels.GPU_CLASS: GPU_CLASS,
        "kubernetes.io/hostname": addresses.node_name,
        "kubernetes.io/os": "linux",
        "kubernetes.io/arch": "amd64",
    }
    return {
        "apiVersion": "v1",
        "kind": "Node",
        "metadata": {"name": addresses.node_name, "labels": node_labels, "annotations": {ANNOTATION: "fake"}},
    }


def start(plane: ControlPlane, processes: Processes, api: Api) -> None:
    """Register the node and start kwok."""
    path = f"/api/v1/nodes/{plane.addresses.node_name}"
    api.apply(path, build_node(plane.addresses))
    api.apply(
        f"{path}/status",
        {"apiVersion": "v1", "kind": "Node", "status": {"capacity": CAPACITY, "allocatable": CAPACITY}},
    )
    processes.start([build_program(plane.tools, plane.addresses, plane.kubeconfig(rbac.KWOK))])


def build_program(tools: Mapping[str, Path], addresses: Addresses, kubeconfig: Path) -> Program:
    """kwok, for annotated nodes alone."""
    argv = [
        str(tools["kwok"]),
        f"--kubeconfig={kubeconfig}",
        f"--config={STAGES}",
        f"--manage-nodes-with-annotation-selector={ANNOTATION}=fake",
        "--manage-all-nodes=false",
        "--node-lease-duration-seconds=40",
        f"--cidr={addresses.pods}",
        f"--node-ip={addresses.node}",
    ]
    return Program("kwok", argv, files=[STAGES, kubeconfig])
