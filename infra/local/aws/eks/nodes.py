"""Node objects of a node group's instances. Pure."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from infra.local.cluster.simulated import ANNOTATION

GPUS_ANNOTATION = "eks.local/gpus"
"""How many GPUs the node's instance type has. A node has them to give once its device plugin runs."""
EFFECTS = {"NO_SCHEDULE": "NoSchedule", "NO_EXECUTE": "NoExecute", "PREFER_NO_SCHEDULE": "PreferNoSchedule"}
"""Taints' effects, as EKS and as Kubernetes writes them."""
SYSTEM_RESERVED_MIB = 1024
"""About what EKS keeps for kubelet and system of a node of 110 pods:
https://github.com/awslabs/amazon-eks-ami/blob/main/nodeadm/internal/kubelet/config.go"""


@dataclass(frozen=True)
class InstanceKind:
    """What an instance type has: virtual CPUs, MiB of memory, GPUs."""

    name: str
    cpus: int
    memory_mib: int
    gpus: int


@dataclass(frozen=True)
class Instance:
    """One instance of a node group's."""

    id: str
    host_name: str
    zone: str


def instance_kind(about: Mapping[str, Any]) -> InstanceKind:
    """An instance type as EC2 describes it."""
    gpus = (about.get("GpuInfo") or {}).get("Gpus") or []
    return InstanceKind(
        about["InstanceType"],
        about["VCpuInfo"]["DefaultVCpus"],
        about["MemoryInfo"]["SizeInMiB"],
        sum(one["Count"] for one in gpus),
    )


def build_node(
    group: str,
    labels: Mapping[str, str],
    taints: Sequence[Mapping[str, str]],
    kind: InstanceKind,
    capacity_type: str,
    instance: Instance,
) -> dict[str, Any]:
    """The Node that the instance joins as, its status included; `taints` are as EKS writes them."""
    own = {
        "eks.amazonaws.com/nodegroup": group,
        "eks.amazonaws.com/capacityType": capacity_type,
        "kubernetes.io/hostname": instance.host_name,
        "kubernetes.io/os": "linux",
        "kubernetes.io/arch": "amd64",
        "node.kubernetes.io/instance-type": kind.name,
        "topology.kubernetes.io/zone": instance.zone,
        "topology.kubernetes.io/region": instance.zone[:-1],
    }
    annotations = {ANNOTATION: "fake", GPUS_ANNOTATION: str(kind.gpus)}
    capacity = {"cpu": str(kind.cpus), "memory": f"{kind.memory_mib}Mi", "ephemeral-storage": "100Gi", "pods": "110"}
    allocatable = capacity | {"memory": f"{kind.memory_mib - SYSTEM_RESERVED_MIB}Mi"}
    return {
        "apiVersion": "v1",
        "kind": "Node",
        "metadata": {"name": instance.host_name, "labels": {**labels, **own}, "annotations": annotations},
        "spec": {
            "providerID": f"aws:///{instance.zone}/{instance.id}",
            "taints": [
                {"key": one["key"], "value": one.get("value", ""), "effect": EFFECTS[one["effect"]]} for one in taints
            ],
        },
        "status": {"capacity": capacity, "allocatable": allocatable},
    }
