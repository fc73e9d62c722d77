"""Kubernetes objects of the regional gateway."""

import hashlib
import json
from typing import Any

from components.control_plane.spec import GATEWAY, GatewaySpec
from components.hardening import http_probe, restricted_container, restricted_pod
from components.labels import platform_labels
from components.replicas import disruption_budget, rolling_deployment, spread
from components.values import Manifest
from runtime.contract import env, image, labels, limits, paths, ports

_RBAC = "rbac.authorization.k8s.io"


def own_labels(spec: GatewaySpec) -> dict[str, str]:
    """Labels of the gateway's objects and pods."""
    return platform_labels(spec.region, labels.ROLE_GATEWAY)


def selector() -> dict[str, str]:
    """What gateway pods are found by."""
    return {labels.ROLE: labels.ROLE_GATEWAY}


def _metadata(spec: GatewaySpec, namespaced: bool = True) -> dict[str, Any]:
    place = {"namespace": spec.namespace} if namespaced else {}
    name = GATEWAY if namespaced else f"moltghost-{GATEWAY}"
    return {"name": name, **place, "labels": own_labels(spec)}


def build_identity(spec: GatewaySpec) -> list[Manifest]:
    """The gateway's account: it may look at Sandboxes, and do nothing else."""
    rules = [{"apiGroups": ["agents.x-k8s.io"], "resources": ["sandboxes"], "verbs": ["get", "list", "watch"]}]
    cluster_wide = _metadata(spec, namespaced=False)
    return [
        {
            "apiVersion": "v1",
            "kind": "ServiceAccount",
            "metadata": _metadata(spec),
            "automountServiceAccountToken": False,
        },
        {"apiVersion": f"{_RBAC}/v1", "kind": "ClusterRole", "metadata": cluster_wide, "rules": rules},
        {
            "apiVersion": f"{_RBAC}/v1",
            "kind": "ClusterRoleBinding",
            "metadata": cluster_wide,
            "roleRef": {"apiGroup": _RBAC, "kind": "ClusterRole", "name": cluster_wide["name"]},
            "subjects": [{"kind": "ServiceAccount", "name": GATEWAY, "namespace": spec.namespace}],
        },
    ]


def build_config(spec: GatewaySpec) -> Manifest:
    """The public keys edge tokens are verified with, and the region's name."""
    data = {env.EDGE_KEYS: json.dumps(spec.edge_keys, sort_keys=True), env.REGION: spec.region}
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": _metadata(spec), "data": data}


def build_service(spec: GatewaySpec) -> Manifest:
    """The gateway inside the cluster. No address outside it: the tunnel is the only way in."""
    body = {
        "type": "ClusterIP",
        "selector": selector(),
        "ports": [{"name": "http", "port": 80, "targetPort": "http", "protocol": "TCP"}],
    }
    return {"apiVersion": "v1", "kind": "Service", "metadata": _metadata(spec), "spec": body}


def build_disruption_budget(spec: GatewaySpec) -> Manifest:
    """A drain takes one gateway at a time."""
    return disruption_budget(_metadata(spec), selector())


def build_deployment(spec: GatewaySpec) -> Manifest:
    """The gateway's pods. A change of its config changes the pod template, so that it rolls like any other change."""
    config = json.dumps(build_config(spec)["data"], sort_keys=True)
    digest = hashlib.sha256(config.encode()).hexdigest()
    annotations = {f"{labels.DOMAIN}/config": digest}
    return rolling_deployment(_metadata(spec), spec.replicas, selector(), annotations, _pod(spec))


def _pod(spec: GatewaySpec) -> dict[str, Any]:
    return {
        **restricted_pod(image.UID),
        "serviceAccountName": GATEWAY,
        "automountServiceAccountToken": True,
        "priorityClassName": spec.priority_class,
        "terminationGracePeriodSeconds": limits.TERMINATION_GRACE_S,
        "topologySpreadConstraints": spread(selector(), spec.spread == "strict"),
        "containers": [_container(spec)],
        "volumes": [{"name": "tmp", "emptyDir": {"sizeLimit": "64Mi"}}],
    }


def _container(spec: GatewaySpec) -> dict[str, Any]:
    return {
        "name": GATEWAY,
        "image": spec.image,
        "imagePullPolicy": "IfNotPresent",
        "command": list(image.GATEWAY_COMMAND),
        "envFrom": [{"configMapRef": {"name": GATEWAY}}],
        "ports": [{"name": "http", "containerPort": ports.GATEWAY, "protocol": "TCP"}],
        "startupProbe": http_probe(paths.LIVE, "http", period_s=1, failures=60),
        "readinessProbe": http_probe(paths.READY, "http", period_s=3, failures=2),
        "livenessProbe": http_probe(paths.LIVE, "http", period_s=10, failures=3),
        "resources": {
            "requests": {"cpu": "50m", "memory": "128Mi", "ephemeral-storage": "128Mi"},
            "limits": {"memory": "256Mi", "ephemeral-storage": "128Mi"},
        },
        "securityContext": restricted_container(),
        "volumeMounts": [{"name": "tmp", "mountPath": "/tmp"}],  # noqa: S108  # a path in the pod
    }
