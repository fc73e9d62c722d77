"""Kubernetes objects that make nodes usable to agents: GPUs, local disks, and as many nodes as are needed."""

import json
from typing import Any

from components.cluster.cilium_manifests import NOT_READY_TAINT
from components.cluster.devices_spec import DISCOVERY_DIR, LOCAL_CLASS, DevicesSpec
from components.cluster.eks_manifests import document
from components.cluster.eks_spec import SECURE_PORT
from components.hardening import default_deny, http_probe, network_policy, restricted_container, restricted_pod, tcp
from components.labels import platform_labels
from components.quantities import GPU
from components.replicas import disruption_budget, rolling_deployment, spread
from components.values import Manifest
from runtime.contract import labels

NAMESPACE = "moltghost-nodes"
"""Of what must reach into its node. It alone is outside Pod Security `restricted`, so nothing else lives in it."""

PLUGIN = "nvidia-device-plugin"
AUTOSCALER = "cluster-autoscaler"
AUTOSCALER_NAMESPACE = "kube-system"
DISKS = "local-disks"

_SYSTEM_NODE = "system-node-critical"
_SYSTEM_CLUSTER = "system-cluster-critical"
_NOBODY = 65534
_AUTOSCALER_PORT = 8085
_AUTOSCALER_GRACE_S = 30


def _metadata(spec: DevicesSpec, name: str, namespace: str | None) -> dict[str, Any]:
    place = {"namespace": namespace} if namespace else {}
    own = {**platform_labels(spec.region, labels.ROLE_SYSTEM), **_selector(name)}
    return {"name": name, **place, "labels": own}


def _selector(name: str) -> dict[str, str]:
    return {"app.kubernetes.io/name": name}


def build_namespace(spec: DevicesSpec) -> Manifest:
    """The namespace of the node's own programs: they need host paths, so `privileged` is what it holds them to."""
    own = platform_labels(spec.region, labels.ROLE_SYSTEM)
    level = {f"pod-security.kubernetes.io/{mode}": "privileged" for mode in ("enforce", "audit", "warn")}
    return {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": NAMESPACE, "labels": {**own, **level}}}


def build_isolation(spec: DevicesSpec) -> list[Manifest]:
    """Nothing is let into these pods, and nothing out but to the API server, for those that speak to it."""
    own = platform_labels(spec.region, labels.ROLE_SYSTEM)
    into_autoscaler = {"podSelector": {"matchLabels": _selector(AUTOSCALER)}, "policyTypes": ["Ingress"]}
    policies = [
        default_deny(NAMESPACE, own),
        network_policy(AUTOSCALER, AUTOSCALER_NAMESPACE, own, into_autoscaler),
    ]
    if spec.local_disks_image is None:
        return policies
    to_api_server = {
        "podSelector": {"matchLabels": _selector(DISKS)},
        "policyTypes": ["Egress"],
        "egress": [{"to": [{"ipBlock": {"cidr": str(spec.api_server_nodes)}}], "ports": [tcp(SECURE_PORT)]}],
    }
    return [*policies, network_policy(DISKS, NAMESPACE, own, to_api_server)]


def build_device_plugin(spec: DevicesSpec) -> Manifest:
    """The DaemonSet that tells kubelet of whole GPUs: no MIG, no time slicing, no MPS, for none is configured.

    A container's GPUs are told by mounts, which only kubelet makes, and not by a variable.
    https://github.com/NVIDIA/k8s-device-plugin#configuring-the-nvidia-device-plugin-binary
    """
    container = {
        "name": PLUGIN,
        "image": spec.device_plugin_image,
        "imagePullPolicy": "IfNotPresent",
        "args": ["--mig-strategy=none", "--device-list-strategy=volume-mounts", "--fail-on-init-error=true"],
        "resources": _resources("50m", "128Mi"),
        "securityContext": _root_container(),
        "volumeMounts": [
            {"name": "device-plugins", "mountPath": "/var/lib/kubelet/device-plugins"},
            # Every GPU, for the plugin itself.
            {"name": "no-device", "mountPath": "/var/run/nvidia-container-devices/all"},
        ],
    }
    volumes = [
        {"name": "device-plugins", "hostPath": {"path": "/var/lib/kubelet/device-plugins", "type": "Directory"}},
        {"name": "no-device", "hostPath": {"path": "/dev/null"}},
    ]
    return _daemon_set(spec, PLUGIN, container, volumes, [labels.GPU_CLASS])


def _root_container() -> dict[str, Any]:
    """As little as a program that must be root on its node can do with."""
    return {
        "allowPrivilegeEscalation": False,
        "capabilities": {"drop": ["ALL"]},
        "privileged": False,
        "readOnlyRootFilesystem": True,
    }


def _resources(cpu: str, memory: str) -> dict[str, Any]:
    return {"requests": {"cpu": cpu, "memory": memory}, "limits": {"memory": memory}}


def _daemon_set(
    spec: DevicesSpec, name: str, container: dict[str, Any], volumes: list[dict[str, Any]], nodes: list[str]
) -> Manifest:
    """A DaemonSet on the nodes that have the labels, one replaced at a time."""
    metadata = _metadata(spec, name, NAMESPACE)
    wanted = [{"key": label, "operator": "Exists"} for label in nodes]
    affinity = {"requiredDuringSchedulingIgnoredDuringExecution": {"nodeSelectorTerms": [{"matchExpressions": wanted}]}}
    pod = {
        "priorityClassName": _SYSTEM_NODE,
        "automountServiceAccountToken": False,
        "enableServiceLinks": False,
        "affinity": {"nodeAffinity": affinity},
        # Whatever keeps agents off a node, its own programs are wanted there; but not before Cilium is.
        "tolerations": [
            {"key": key, "operator": "Exists"}
            for key in (GPU, labels.TENANT, labels.SITE, "node.kubernetes.io/unschedulable")
        ],
        "securityContext": {"seccompProfile": {"type": "RuntimeDefault"}},
        "containers": [container],
        "volumes": volumes,
    }
    return {
        "apiVersion": "apps/v1",
        "kind": "DaemonSet",
        "metadata": {**metadata, "annotations": {"pulumi.com/skipAwait": "true"}},
        "spec": {
            "selector": {"matchLabels": _selector(name)},
            "updateStrategy": {"type": "RollingUpdate", "rollingUpdate": {"maxUnavailable": 1}},
            "template": {"metadata": {"labels": metadata["labels"]}, "spec": pod},
        },
    }


def build_local_class(spec: DevicesSpec) -> Manifest:
    """The class of volumes on nodes' own disks: bound where the agent is placed, kept when the claim goes."""
    return {
        "apiVersion": "storage.k8s.io/v1",
        "kind": "StorageClass",
        "metadata": {"name": LOCAL_CLASS, "labels": platform_labels(spec.region, labels.ROLE_SYSTEM)},
        "provisioner": "kubernetes.io/no-provisioner",
        "volumeBindingMode": "WaitForFirstConsumer",
        "reclaimPolicy": "Retain",
    }


def build_local_disks(spec: DevicesSpec, image: str) -> list[Manifest]:
    """The provisioner that makes a volume of each local disk, its account and rights.

    https://github.com/kubernetes-sigs/sig-storage-local-static-provisioner
    """
    classes = {LOCAL_CLASS: {"hostDir": DISCOVERY_DIR, "mountDir": DISCOVERY_DIR, "volumeMode": "Filesystem"}}
    config = {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": _metadata(spec, DISKS, NAMESPACE),
        "data": {"storageClassMap": json.dumps(classes, sort_keys=True), "useNodeNameOnly": "true"},
    }
    container = {
        "name": DISKS,
        "image": image,
        "imagePullPolicy": "IfNotPresent",
        "env": [
            {"name": "MY_NODE_NAME", "valueFrom": {"fieldRef": {"fieldPath": "spec.nodeName"}}},
            {"name": "MY_NAMESPACE", "valueFrom": {"fieldRef": {"fieldPath": "metadata.namespace"}}},
            {"name": "JOB_CONTAINER_IMAGE", "value": image},
        ],
        "resources": _resources("20m", "128Mi"),
        "securityContext": _root_container(),
        "volumeMounts": [
            {"name": "config", "mountPath": "/etc/provisioner/config", "readOnly": True},
            {"name": "disks", "mountPath": DISCOVERY_DIR, "mountPropagation": "HostToContainer"},
        ],
    }
    volumes = [
        {"name": "config", "configMap": {"name": DISKS}},
        {"name": "disks", "hostPath": {"path": DISCOVERY_DIR, "type": "DirectoryOrCreate"}},
    ]
    daemon_set = _daemon_set(spec, DISKS, container, volumes, [labels.GPU_CLASS])
    pod = daemon_set["spec"]["template"]["spec"]
    pod |= {"serviceAccountName": DISKS, "automountServiceAccountToken": True}
    return [build_local_class(spec), *_rights(spec, DISKS, NAMESPACE, _DISKS_RULES), config, daemon_set]


_DISKS_RULES: list[dict[str, Any]] = [
    {
        "apiGroups": [""],
        "resources": ["persistentvolumes"],
        "verbs": ["create", "delete", "get", "list", "update", "watch"],
    },
    {"apiGroups": ["storage.k8s.io"], "resources": ["storageclasses"], "verbs": ["get", "list", "watch"]},
    {"apiGroups": [""], "resources": ["nodes"], "verbs": ["get"]},
    {"apiGroups": ["", "events.k8s.io"], "resources": ["events"], "verbs": ["create", "patch", "update"]},
]

_READ = ["get", "list", "watch"]
# What the autoscaler of 1.36 reads to simulate the scheduler, and the few things it writes:
# https://github.com/kubernetes/autoscaler/blob/master/cluster-autoscaler/cloudprovider/aws/examples/
_AUTOSCALER_RULES: list[dict[str, Any]] = [
    {"apiGroups": [""], "resources": ["events"], "verbs": ["create", "patch"]},
    {"apiGroups": [""], "resources": ["pods/eviction"], "verbs": ["create"]},
    {"apiGroups": [""], "resources": ["pods/status"], "verbs": ["update"]},
    {"apiGroups": [""], "resources": ["nodes"], "verbs": [*_READ, "delete", "patch", "update"]},
    {
        "apiGroups": [""],
        "resources": [
            "namespaces",
            "persistentvolumeclaims",
            "persistentvolumes",
            "pods",
            "replicationcontrollers",
            "services",
        ],
        "verbs": _READ,
    },
    {"apiGroups": ["apps"], "resources": ["daemonsets", "replicasets", "statefulsets"], "verbs": _READ},
    {"apiGroups": ["batch"], "resources": ["jobs"], "verbs": _READ},
    {"apiGroups": ["policy"], "resources": ["poddisruptionbudgets"], "verbs": _READ},
    {
        "apiGroups": ["storage.k8s.io"],
        "resources": ["csidrivers", "csinodes", "csistoragecapacities", "storageclasses", "volumeattachments"],
        "verbs": _READ,
    },
    {
        "apiGroups": ["resource.k8s.io"],
        "resources": ["deviceclasses", "resourceclaims", "resourceslices"],
        "verbs": _READ,
    },
]
_OWN_RULES: list[dict[str, Any]] = [
    {"apiGroups": ["coordination.k8s.io"], "resources": ["leases"], "verbs": ["create"]},
    {
        "apiGroups": ["coordination.k8s.io"],
        "resources": ["leases"],
        "resourceNames": [AUTOSCALER],
        "verbs": ["get", "update"],
    },
    {"apiGroups": [""], "resources": ["configmaps"], "verbs": ["create", "list", "watch"]},
    {
        "apiGroups": [""],
        "resources": ["configmaps"],
        "resourceNames": ["cluster-autoscaler-status"],
        "verbs": ["delete", "get", "update"],
    },
]


def _rights(
    spec: DevicesSpec, name: str, namespace: str, rules: list[dict[str, Any]], own: list[dict[str, Any]] | None = None
) -> list[Manifest]:
    """A service account, what it may do in the cluster, and in its own namespace."""
    rbac = "rbac.authorization.k8s.io"
    subject = {"kind": "ServiceAccount", "name": name, "namespace": namespace}
    manifests: list[Manifest] = [
        {
            "apiVersion": "v1",
            "kind": "ServiceAccount",
            "metadata": _metadata(spec, name, namespace),
            "automountServiceAccountToken": False,
        }
    ]
    for prefix, granted, place in (("Cluster", rules, None), ("", own, namespace)):
        if granted:
            metadata = _metadata(spec, name, place)
            role = {"apiGroup": rbac, "kind": f"{prefix}Role", "name": name}
            head = {"apiVersion": f"{rbac}/v1", "metadata": metadata}
            manifests.append({**head, "kind": f"{prefix}Role", "rules": granted})
            manifests.append({**head, "kind": f"{prefix}RoleBinding", "roleRef": role, "subjects": [subject]})
    return manifests


def build_autoscaler_permissions(cluster: str) -> str:
    """What the autoscaler's role may do: read all groups, change those of this cluster alone."""
    read = [
        "autoscaling:DescribeAutoScalingGroups",
        "autoscaling:DescribeAutoScalingInstances",
        "autoscaling:DescribeLaunchConfigurations",
        "autoscaling:DescribeScalingActivities",
        "autoscaling:DescribeTags",
        "ec2:DescribeImages",
        "ec2:DescribeInstanceTypes",
        "ec2:DescribeLaunchTemplateVersions",
        "ec2:GetInstanceTypesFromInstanceRequirements",
        "eks:DescribeNodegroup",
    ]
    # EKS tags the groups of its node groups so.
    owned = {"StringEquals": {f"aws:ResourceTag/k8s.io/cluster-autoscaler/{cluster}": "owned"}}
    change = ["autoscaling:SetDesiredCapacity", "autoscaling:TerminateInstanceInAutoScalingGroup"]
    return document(
        [
            {"Effect": "Allow", "Action": read, "Resource": "*"},
            {"Effect": "Allow", "Action": change, "Resource": "*", "Condition": owned},
        ]
    )


def build_autoscaler(spec: DevicesSpec) -> list[Manifest]:
    """The autoscaler, its account and its rights. It fills zones evenly; a node empty for ten minutes goes."""
    metadata = _metadata(spec, AUTOSCALER, AUTOSCALER_NAMESPACE)
    selector = _selector(AUTOSCALER)
    discovery = f"asg:tag=k8s.io/cluster-autoscaler/enabled,k8s.io/cluster-autoscaler/{spec.cluster}"
    container = {
        "name": AUTOSCALER,
        "image": spec.autoscaler_image,
        "imagePullPolicy": "IfNotPresent",
        "command": ["./cluster-autoscaler"],
        "args": [
            "--cloud-provider=aws",
            f"--node-group-auto-discovery={discovery}",
            "--balance-similar-node-groups=true",
            "--skip-nodes-with-local-storage=true",
            f"--startup-taint={NOT_READY_TAINT}",
            "--scale-down-unneeded-time=10m",
        ],
        "env": [{"name": "AWS_REGION", "value": spec.aws_region}],
        "ports": [{"name": "health", "containerPort": _AUTOSCALER_PORT, "protocol": "TCP"}],
        "livenessProbe": http_probe("/health-check", "health", period_s=20, failures=3),
        "readinessProbe": http_probe("/health-check", "health", period_s=10, failures=3),
        "resources": _resources("100m", "600Mi"),
        "securityContext": restricted_container(),
    }
    pod = {
        **restricted_pod(_NOBODY),
        "serviceAccountName": AUTOSCALER,
        "automountServiceAccountToken": True,
        "priorityClassName": _SYSTEM_CLUSTER,
        "nodeSelector": {labels.PURPOSE: "system"},
        "topologySpreadConstraints": spread(selector, strict=True),
        "terminationGracePeriodSeconds": _AUTOSCALER_GRACE_S,
        "containers": [container],
    }
    deployment = rolling_deployment(metadata, spec.autoscaler_replicas, selector, {}, pod)
    return [
        *_rights(spec, AUTOSCALER, AUTOSCALER_NAMESPACE, _AUTOSCALER_RULES, _OWN_RULES),
        disruption_budget(metadata, selector),
        deployment,
    ]
