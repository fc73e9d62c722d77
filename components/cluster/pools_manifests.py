"""What a pool's nodes are told: node groups by zone, labels, taints, templates, and what the autoscaler reads."""

import base64
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import yaml

from components.cluster.catalogue import INSTANCE_TYPES, InstanceType, Mismatch, mismatches
from components.cluster.cilium_manifests import NOT_READY_TAINT, PODS_A_NODE
from components.cluster.pools_spec import Block, OnDemand, PoolSpec, PoolsSpec, Reservation
from components.cluster.upgrades import wave_order
from components.quantities import GPU
from runtime.contract import labels

NODE_POLICIES = (
    "arn:aws:iam::aws:policy/AmazonEKSWorkerNodePolicy",
    "arn:aws:iam::aws:policy/AmazonEC2ContainerRegistryPullOnly",
)
"""All a node's role may do: https://docs.aws.amazon.com/eks/latest/userguide/create-node-role.html

No policy of the VPC CNI: Cilium asks EC2 for nothing.
"""

HOP_LIMIT = 1
"""Hops an answer of the metadata service may take: as far as the node itself, and not into a pod."""

ROOT_DEVICE = "/dev/xvda"
"""Where Amazon Linux 2023 has its root volume."""

DISKS_DIR = "/mnt/k8s-disks"
"""Where nodeadm mounts local disks, each under its number."""

GPU_RELEASE_FLOOR = "20260101"
"""The oldest day of an AMI with GPUs: its container toolkit must be 1.17.8 at least, of 15 July 2025 (CVE-2025-23266:
https://github.com/CVEProject/cvelistV5/blob/main/cves/2025/23xxx/CVE-2025-23266.json); the margin is half a year."""

_AUTOSCALER = "k8s.io/cluster-autoscaler/node-template"
_EFFECTS = {"NoSchedule": "NO_SCHEDULE", "NoExecute": "NO_EXECUTE"}

# Which GPUs a container gets is read from what kubelet mounted, not from a variable anybody can set.
_GPUS_BY_MOUNT = """#!/bin/bash
set -euo pipefail
nvidia-ctk config --in-place --set accept-nvidia-visible-devices-as-volume-mounts=true
nvidia-ctk config --in-place --set accept-nvidia-visible-devices-envvar-when-unprivileged=false
"""


@dataclass(frozen=True)
class Taint:
    """A taint as Kubernetes writes it."""

    key: str
    value: str
    effect: str

    def as_node_group(self) -> dict[str, str]:
        """As EKS writes it."""
        return {"key": self.key, "value": self.value, "effect": _EFFECTS[self.effect]}


@dataclass(frozen=True)
class Group:
    """One pool's nodes in one zone. EBS volumes are of a zone, so an autoscaler must know which group is of which."""

    pool: PoolSpec
    zone: str
    min_nodes: int
    max_nodes: int

    @property
    def role(self) -> str:
        """What it is in a resource's name: `agents-h100-a`."""
        return f"{self.pool.name}-{self.zone[-1]}"


def spread(total: int, zones: Sequence[str]) -> list[int]:
    """A number over zones, as even as can be; the first ones have one more."""
    each, over = divmod(total, len(zones))
    return [each + (at < over) for at in range(len(zones))]


def plan_groups(spec: PoolsSpec) -> list[list[Group]]:
    """Every pool's groups by zone, pools in the order of an upgrade's waves."""
    return [
        [
            Group(pool, zone, least, most)
            for zone, least, most in zip(
                pool.zones, spread(pool.min_nodes, pool.zones), spread(pool.max_nodes, pool.zones), strict=True
            )
        ]
        for pool in wave_order(spec.pools)
    ]


def pool_problems(pool: PoolSpec, aws_region: str) -> list[Mismatch]:
    """All that is wrong with a pool in a region, each with the pool's field it is about."""
    found = mismatches(
        pool.instance_type,
        aws_region,
        pool.gpu_class,
        block=isinstance(pool.capacity, Block),
        local=pool.storage == "local",
    )
    known = INSTANCE_TYPES.get(pool.instance_type)
    return [*found, *_purpose_problems(pool, known), *_size_problems(pool), *_place_problems(pool, aws_region)]


def _purpose_problems(pool: PoolSpec, known: InstanceType | None) -> list[Mismatch]:
    found = []
    if (pool.purpose == "gpu") != (pool.gpu_class is not None):
        message = "is for agents and needs a class" if pool.purpose == "gpu" else f"{pool.purpose} pools have no class"
        found.append(Mismatch("gpu_class", pool.gpu_class, message, "Give gpu pools a class, and no other pool one"))
    if pool.purpose == "memory" and known is not None and not (known.epyc and known.family.startswith("r")):
        message = f"{pool.instance_type} is no EPYC type with high memory"
        found.append(Mismatch("instance_type", pool.instance_type, message, "Choose a type of r5a, r6a or r7a"))
    if pool.tenant is not None and pool.purpose != "gpu":
        message = "only nodes that agents run on can be one customer's alone"
        found.append(Mismatch("tenant", pool.tenant, message, "Leave tenant out, or make it a gpu pool"))
    day = pool.release.rpartition("-")[2]
    if pool.purpose == "gpu" and day < GPU_RELEASE_FLOOR:
        message = f"may hold a container toolkit with known holes; the oldest allowed is of {GPU_RELEASE_FLOOR}"
        found.append(Mismatch("release", pool.release, message, "Take a newer AMI release"))
    return found


def _size_problems(pool: PoolSpec) -> list[Mismatch]:
    found = []
    if pool.min_nodes > pool.max_nodes:
        message = f"is more than max_nodes, {pool.max_nodes}"
        found.append(Mismatch("min_nodes", pool.min_nodes, message, "Lower min_nodes or raise max_nodes"))
    if pool.max_nodes < len(pool.zones):
        message = f"leaves one of {len(pool.zones)} zones without a node"
        found.append(Mismatch("max_nodes", pool.max_nodes, message, "Raise max_nodes or name fewer zones"))
    if pool.storage == "local" and pool.min_nodes != pool.max_nodes:
        message = "differ, but no autoscaler can tell that a node to come will have a free disk"
        remedy = "Set min_nodes to max_nodes, or use network volumes"
        found.append(Mismatch("min_nodes", pool.min_nodes, f"and max_nodes {pool.max_nodes} {message}", remedy))
    if pool.purpose == "system" and pool.min_nodes < 2:
        message = "leaves the platform no second node; nothing else may run it"
        found.append(Mismatch("min_nodes", pool.min_nodes, message, "Set 2 at least, better 3"))
    return found


def _place_problems(pool: PoolSpec, aws_region: str) -> list[Mismatch]:
    found = []
    if len(set(pool.zones)) != len(pool.zones):
        found.append(Mismatch("zones", pool.zones, "names a zone twice", "Name each zone once"))
    for zone in pool.zones:
        if not (zone.startswith(aws_region) and len(zone) == len(aws_region) + 1):
            message = f"{zone} is no zone of {aws_region}"
            found.append(Mismatch("zones", pool.zones, message, f"Name zones like {aws_region}a"))
    if not isinstance(pool.capacity, OnDemand) and len(pool.zones) != 1:
        message = f"a {pool.capacity.kind} is of one zone, and the pool has {len(pool.zones)}"
        found.append(Mismatch("zones", pool.zones, message, "Name the reservation's zone alone"))
    return found


def build_labels(pool: PoolSpec) -> dict[str, str]:
    """The labels its nodes join with; agents choose their node by them."""
    own = {labels.POOL: pool.name, labels.PURPOSE: pool.purpose}
    if pool.gpu_class is not None:
        own[labels.GPU_CLASS] = pool.gpu_class
    if pool.tenant is not None:
        own[labels.TENANT] = pool.tenant
    return own


def build_taints(pool: PoolSpec) -> list[Taint]:
    """The taints its nodes join with. The first goes when Cilium enforces policies there; the others stay."""
    taints = [Taint(NOT_READY_TAINT, "true", "NoExecute")]
    if pool.gpu_class is not None:
        taints.append(Taint(GPU, "present", "NoSchedule"))
    if pool.purpose == "memory":
        taints.append(Taint(labels.PURPOSE, pool.purpose, "NoSchedule"))
    if pool.tenant is not None:
        taints.append(Taint(labels.TENANT, pool.tenant, "NoSchedule"))
    return taints


def build_autoscaler_tags(group: Group) -> dict[str, str]:
    """What an Auto Scaling group's tags tell the autoscaler of a node that isn't there yet.

    Without them an empty group can't be chosen for a pod that asks for a GPU, a label or a toleration. Cilium's taint
    is left out: it is gone by the time an agent is placed.
    https://github.com/kubernetes/autoscaler/blob/master/cluster-autoscaler/cloudprovider/aws/README.md
    """
    known = INSTANCE_TYPES[group.pool.instance_type]
    tags = {f"{_AUTOSCALER}/label/{key}": value for key, value in build_labels(group.pool).items()}
    tags[f"{_AUTOSCALER}/label/topology.kubernetes.io/zone"] = group.zone
    for taint in build_taints(group.pool):
        if taint.key != NOT_READY_TAINT:
            tags[f"{_AUTOSCALER}/taint/{taint.key}"] = f"{taint.value}:{taint.effect}"
    if known.gpus:
        tags[f"{_AUTOSCALER}/resources/{GPU}"] = str(known.gpus)
    return tags


def build_user_data(pool: PoolSpec) -> str:
    """The user data EKS joins its own with, base64: kubelet's settings, local disks, the GPU runtime's.

    https://awslabs.github.io/amazon-eks-ami/nodeadm/doc/api
    """
    spec: dict[str, Any] = {"kubelet": {"config": {"maxPods": PODS_A_NODE}}}
    if pool.storage == "local":
        spec["instance"] = {"localStorage": {"strategy": "Mount", "mountPath": DISKS_DIR}}
    config = yaml.safe_dump({"apiVersion": "node.eks.aws/v1alpha1", "kind": "NodeConfig", "spec": spec})
    parts = [("application/node.eks.aws", config)]
    if pool.gpu_class is not None:
        parts.append(("text/x-shellscript; charset=us-ascii", _GPUS_BY_MOUNT))
    return base64.b64encode(_multipart(parts).encode()).decode()


def _multipart(parts: Sequence[tuple[str, str]]) -> str:
    boundary = "moltghost"
    head = f'MIME-Version: 1.0\nContent-Type: multipart/mixed; boundary="{boundary}"\n'
    body = "".join(f"\n--{boundary}\nContent-Type: {kind}\n\n{text}" for kind, text in parts)
    return f"{head}{body}\n--{boundary}--\n"


def build_launch_template(group: Group, key_arn: Any, security_groups: Any) -> dict[str, Any]:
    """Inputs of a launch template. The key and the security groups may not be known yet."""
    pool = group.pool
    disk = {
        "encrypted": "true",
        "kms_key_id": key_arn,
        "volume_type": "gp3",
        "volume_size": pool.root_gb,
        "delete_on_termination": "true",
    }
    return {
        "instance_type": pool.instance_type,
        "update_default_version": True,
        "user_data": build_user_data(pool),
        "metadata_options": {
            "http_endpoint": "enabled",
            "http_tokens": "required",
            "http_put_response_hop_limit": HOP_LIMIT,
            "instance_metadata_tags": "disabled",
        },
        "block_device_mappings": [{"device_name": ROOT_DEVICE, "ebs": disk}],
        "network_interfaces": [
            {
                "device_index": 0,
                "associate_public_ip_address": "false",
                "delete_on_termination": "true",
                "security_groups": security_groups,
            }
        ],
        **_capacity(pool),
    }


def _capacity(pool: PoolSpec) -> dict[str, Any]:
    """Where instances come from: https://docs.aws.amazon.com/eks/latest/userguide/capacity-blocks-mng.html"""
    if isinstance(pool.capacity, OnDemand):
        return {}
    target = {"capacity_reservation_id": pool.capacity.id}
    specification: dict[str, Any] = {"capacity_reservation_target": target}
    if isinstance(pool.capacity, Reservation):
        # Never beside it, on demand and dearer, once it is full.
        specification["capacity_reservation_preference"] = "capacity-reservations-only"
        return {"capacity_reservation_specification": specification}
    return {
        "capacity_reservation_specification": specification,
        "instance_market_options": {"market_type": "capacity-block"},
    }


def build_node_group(group: Group) -> dict[str, Any]:
    """Inputs of a node group, but for what is known at deploy only. One node at a time is replaced."""
    pool = group.pool
    return {
        "ami_type": "AL2023_x86_64_NVIDIA" if pool.gpu_class else "AL2023_x86_64_STANDARD",
        "capacity_type": "CAPACITY_BLOCK" if isinstance(pool.capacity, Block) else "ON_DEMAND",
        "version": pool.version,
        "release_version": pool.release,
        "scaling_config": {
            "min_size": group.min_nodes,
            "max_size": group.max_nodes,
            "desired_size": group.min_nodes,
        },
        "update_config": {"max_unavailable": 1},
        "labels": build_labels(pool),
        "taints": [taint.as_node_group() for taint in build_taints(pool)],
    }
