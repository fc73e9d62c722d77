"""What the machine's own clients of the cluster may do, and no more."""

from collections.abc import Sequence
from typing import Any

from components.cluster.controller import CLUSTER_RULES

PREFIX = "moltghost:machine"
KUBE_ROUTER = f"{PREFIX}:kube-router"
CARETAKER = f"{PREFIX}:caretaker"
TUNNEL = f"{PREFIX}:tunnel"
KWOK = f"{PREFIX}:kwok"
SANDBOXES = f"{PREFIX}:sandboxes"
NODE_AGENTS = f"{PREFIX}:node-agents"

READ = ("get", "list", "watch")


def rule(groups: Sequence[str], resources: Sequence[str], verbs: Sequence[str]) -> dict[str, Any]:
    """One RBAC rule."""
    return {"apiGroups": list(groups), "resources": list(resources), "verbs": list(verbs)}


RULES = {
    KUBE_ROUTER: [
        rule([""], ["namespaces", "pods", "services", "nodes", "endpoints"], READ),
        rule(["networking.k8s.io"], ["networkpolicies"], READ),
        rule(["discovery.k8s.io"], ["endpointslices"], READ),
    ],
    CARETAKER: [
        rule([""], ["nodes", "persistentvolumeclaims"], READ),
        rule([""], ["nodes/status"], ["patch"]),
        rule([""], ["persistentvolumes"], [*READ, "create", "delete"]),
        rule(["storage.k8s.io"], ["storageclasses"], READ),
    ],
    TUNNEL: [rule(["discovery.k8s.io"], ["endpointslices"], READ)],
    KWOK: [
        rule([""], ["nodes", "pods"], [*READ, "patch", "update", "delete"]),
        rule([""], ["nodes/status", "pods/status"], ["patch", "update"]),
        rule(["coordination.k8s.io"], ["leases"], [*READ, "create", "patch", "update"]),
        rule(["", "events.k8s.io"], ["events"], ["create", "patch"]),
    ],
    NODE_AGENTS: [
        rule([""], ["nodes"], [*READ, "patch"]),
        rule([""], ["nodes/status"], ["patch"]),
        rule([""], ["pods", "persistentvolumeclaims"], READ),
        rule([""], ["persistentvolumes"], [*READ, "create", "delete"]),
        rule(["storage.k8s.io"], ["storageclasses", "csidrivers"], READ),
    ],
    # The stack's own rules. Were it bound to the stack's role, it would wait with growing patience for that to come.
    SANDBOXES: CLUSTER_RULES,
}

BUILT_IN = {"kube-apiserver-kubelet-client": "system:kubelet-api-admin"}
"""Users whose role comes with Kubernetes but whose binding does not."""


def build_objects() -> dict[str, dict[str, Any]]:
    """Every object by its API path."""
    base = "/apis/rbac.authorization.k8s.io/v1"
    objects = {}
    for user, rules in RULES.items():
        objects[f"{base}/clusterroles/{user}"] = {**_head("ClusterRole", user), "rules": rules}
        objects[f"{base}/clusterrolebindings/{user}"] = _binding(user, user, user)
    for user, role in BUILT_IN.items():
        name = f"{PREFIX}:{user}"
        objects[f"{base}/clusterrolebindings/{name}"] = _binding(name, user, role)
    return objects


def _binding(name: str, user: str, role: str) -> dict[str, Any]:
    group = "rbac.authorization.k8s.io"
    return {
        **_head("ClusterRoleBinding", name),
        "subjects": [{"apiGroup": group, "kind": "User", "name": user}],
        "roleRef": {"apiGroup": group, "kind": "ClusterRole", "name": role},
    }


def _head(kind: str, name: str) -> dict[str, Any]:
    return {"apiVersion": "rbac.authorization.k8s.io/v1", "kind": kind, "metadata": {"name": name}}
