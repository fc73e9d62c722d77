"""Kubernetes objects of the agent-sandbox controller, with the least it can work with.

Its webhook converts between versions of `Sandbox`; only one is installed, so it is off, and with it go the rights to
Secrets and to CustomResourceDefinitions that upstream's manifests grant.
"""

from typing import Any

from components.cluster.spec import PLATFORM_PRIORITY, SANDBOX_NAMESPACE, ClusterSpec
from components.hardening import (
    default_deny,
    http_probe,
    network_policy,
    restricted_container,
    restricted_pod,
    tcp,
)
from components.labels import platform_labels
from components.replicas import disruption_budget, rolling_deployment, spread
from components.values import Manifest
from runtime.contract import labels

NAME = "agent-sandbox-controller"
_UID = 65532
_METRICS_PORT = 8080
_PROBE_PORT = 8081
_GRACE_S = 10
"""Seconds to end what it reconciles and give its lease back; nobody is connected to it."""

_WORKLOADS = {"apiGroups": [""], "resources": ["persistentvolumeclaims", "pods", "services"]}
_ALL_BUT_CREATE = ["delete", "get", "list", "patch", "update", "watch"]
CLUSTER_RULES: list[dict[str, Any]] = [
    {**_WORKLOADS, "verbs": ["create", *_ALL_BUT_CREATE]},
    {"apiGroups": ["", "events.k8s.io"], "resources": ["events"], "verbs": ["create", "patch"]},
    {"apiGroups": ["agents.x-k8s.io"], "resources": ["sandboxes"], "verbs": _ALL_BUT_CREATE},
    {
        "apiGroups": ["agents.x-k8s.io"],
        "resources": ["sandboxes/finalizers", "sandboxes/status"],
        "verbs": ["get", "patch", "update"],
    },
]
LEASE_RULES: list[dict[str, Any]] = [
    {
        "apiGroups": ["coordination.k8s.io"],
        "resources": ["leases"],
        "verbs": ["create", "get", "list", "patch", "update", "watch"],
    },
]


def _metadata(spec: ClusterSpec, namespace: str | None = SANDBOX_NAMESPACE) -> dict[str, Any]:
    place = {"namespace": namespace} if namespace else {}
    return {"name": NAME, **place, "labels": {**platform_labels(spec.region, labels.ROLE_SYSTEM), **_selector()}}


def _selector() -> dict[str, str]:
    return {"app.kubernetes.io/name": NAME}


def build_controller_identity(spec: ClusterSpec) -> list[Manifest]:
    """Its service account and rights: cluster-wide on sandboxes and their parts, on leases in its own namespace."""
    subject = {"kind": "ServiceAccount", "name": NAME, "namespace": SANDBOX_NAMESPACE}
    rbac = "rbac.authorization.k8s.io"

    def rights(prefix: str, rules: list[dict[str, Any]], namespace: str | None) -> list[Manifest]:
        metadata = _metadata(spec, namespace)
        role_ref = {"apiGroup": rbac, "kind": f"{prefix}Role", "name": NAME}
        return [
            {"apiVersion": f"{rbac}/v1", "kind": f"{prefix}Role", "metadata": metadata, "rules": rules},
            {
                "apiVersion": f"{rbac}/v1",
                "kind": f"{prefix}RoleBinding",
                "metadata": metadata,
                "roleRef": role_ref,
                "subjects": [subject],
            },
        ]

    account = {
        "apiVersion": "v1",
        "kind": "ServiceAccount",
        "metadata": _metadata(spec),
        "automountServiceAccountToken": False,
    }
    return [account, *rights("Cluster", CLUSTER_RULES, None), *rights("", LEASE_RULES, SANDBOX_NAMESPACE)]


def build_controller_policies(spec: ClusterSpec) -> list[Manifest]:
    """The controller may speak to the API server, and to nobody else."""
    own = platform_labels(spec.region, labels.ROLE_SYSTEM)
    to_api_server = {
        "podSelector": {"matchLabels": _selector()},
        "policyTypes": ["Egress"],
        "egress": [
            {"to": [{"ipBlock": {"cidr": str(spec.api_server_nodes)}}], "ports": [tcp(spec.api_server_port)]},
        ],
    }
    return [
        default_deny(SANDBOX_NAMESPACE, own),
        network_policy("controller-to-api-server", SANDBOX_NAMESPACE, own, to_api_server),
    ]


def build_disruption_budget(spec: ClusterSpec) -> Manifest:
    """A drain takes one controller at a time."""
    return disruption_budget(_metadata(spec), _selector())


def build_controller(spec: ClusterSpec) -> Manifest:
    """The Deployment of the controller; one instance leads by a lease, any other stands by."""
    pod = {
        **restricted_pod(_UID),
        "serviceAccountName": NAME,
        "automountServiceAccountToken": True,
        "priorityClassName": PLATFORM_PRIORITY,
        "terminationGracePeriodSeconds": _GRACE_S,
        "topologySpreadConstraints": spread(_selector(), spec.controller_spread == "strict"),
        "containers": [_container(spec)],
    }
    return rolling_deployment(_metadata(spec), spec.controller_replicas, _selector(), {}, pod)


def _container(spec: ClusterSpec) -> dict[str, Any]:
    return {
        "name": "controller",
        "image": spec.controller_image,
        "imagePullPolicy": "IfNotPresent",
        "args": ["--leader-elect=true", "--enable-webhook=false", "--manage-webhook-certs=false"],
        "ports": [
            {"name": "metrics", "containerPort": _METRICS_PORT, "protocol": "TCP"},
            {"name": "probes", "containerPort": _PROBE_PORT, "protocol": "TCP"},
        ],
        "readinessProbe": http_probe("/readyz", "probes", period_s=5, failures=3),
        "livenessProbe": http_probe("/healthz", "probes", period_s=20, failures=3),
        "resources": {
            "requests": {"cpu": "25m", "memory": "64Mi", "ephemeral-storage": "64Mi"},
            "limits": {"memory": "512Mi", "ephemeral-storage": "64Mi"},
        },
        "securityContext": restricted_container(),
    }
