"""Nodes without a machine behind them, for users who are not root: kwok answers for them. No pod really runs.

The controller of Sandboxes would run in such a pod. It runs beside the control plane instead, the real program under
the rights the stack declares for it, so that Sandboxes become pods and pods are scheduled.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from components.cluster import controller
from infra.local.cluster import rbac
from infra.local.cluster.addresses import Addresses
from infra.local.cluster.api import Api
from infra.local.cluster.control_plane import LOOPBACK, ControlPlane
from infra.local.cluster.kubelet import GPU_CLASS, GPU_RESOURCE, GPUS
from infra.local.probes import http_serves
from infra.local.processes import Processes
from infra.local.supervisord import Program
from runtime.contract import labels

LIMITS = (
    "nodes are simulated: pods are scheduled and shown as running, but no container starts, no NetworkPolicy is "
    "enforced and no chat can be answered; run as root for a real node"
)
STAGES = Path(__file__).with_name("simulated_stages.yaml")
ANNOTATION = "kwok.x-k8s.io/node"
CAPACITY = {"cpu": "32", "memory": "256Gi", "ephemeral-storage": "1Ti", "pods": "110", GPU_RESOURCE: str(GPUS)}


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
    """Register the node; start kwok and the controller of Sandboxes."""
    path = f"/api/v1/nodes/{plane.addresses.node_name}"
    api.apply(path, build_node(plane.addresses))
    api.apply(
        f"{path}/status",
        {"apiVersion": "v1", "kind": "Node", "status": {"capacity": CAPACITY, "allocatable": CAPACITY}},
    )
    processes.start(
        [
            build_program(plane.tools, plane.addresses, plane.kubeconfig(rbac.KWOK)),
            build_sandbox_controller(plane.tools, plane.addresses, plane.kubeconfig(rbac.SANDBOXES)),
        ]
    )


def build_program(tools: Mapping[str, Path], addresses: Addresses, kubeconfig: Path) -> Program:
    """kwok, for annotated nodes alone. Their address is loopback, so that a request for a log goes nowhere else."""
    argv = [
        str(tools["kwok"]),
        f"--kubeconfig={kubeconfig}",
        f"--config={STAGES}",
        f"--manage-nodes-with-annotation-selector={ANNOTATION}=fake",
        "--manage-all-nodes=false",
        "--node-lease-duration-seconds=40",
        f"--cidr={addresses.pods}",
        f"--node-ip={LOOPBACK}",
    ]
    return Program("kwok", argv, files=[STAGES, kubeconfig])


def build_sandbox_controller(tools: Mapping[str, Path], addresses: Addresses, kubeconfig: Path) -> Program:
    """The controller of Sandboxes; until a stack brings their kind, it waits for it."""
    probes = f"{LOOPBACK}:{addresses.sandbox_controller}"
    argv = [
        str(tools[controller.NAME]),
        f"--kubeconfig={kubeconfig}",
        "--leader-elect=false",
        "--enable-webhook=false",
        "--manage-webhook-certs=false",
        "--metrics-bind-address=0",
        f"--health-probe-bind-address={probes}",
    ]
    ready = http_serves(f"http://{probes}/healthz")
    return Program("sandbox-controller", argv, files=[kubeconfig], ready=ready, address=f"http://{probes}")
