"""Kubernetes objects of the connectors. No Service: nothing connects to them, they connect to the edge."""

from typing import Any

from components.hardening import (
    dns_egress,
    http_probe,
    network_policy,
    pods_of,
    restricted_container,
    restricted_pod,
    tcp,
)
from components.ingress.spec import CONNECTOR, TUNNEL_EDGES, TUNNEL_PORT, UID, ConnectorSpec
from components.labels import platform_labels
from components.replicas import disruption_budget, rolling_deployment, spread
from components.values import Manifest
from runtime.contract import labels, limits, ports

TOKEN_FILE = "token"  # noqa: S105  # a file's name
_TOKEN_DIR = "/run/moltghost/connector"  # noqa: S105  # a folder in the pod


def selector() -> dict[str, str]:
    """What connector pods are found by."""
    return {labels.ROLE: labels.ROLE_CONNECTOR}


def _metadata(spec: ConnectorSpec) -> dict[str, Any]:
    return {
        "name": CONNECTOR,
        "namespace": spec.namespace,
        "labels": platform_labels(spec.region, labels.ROLE_CONNECTOR),
    }


def build_secret(spec: ConnectorSpec, token: Any) -> Manifest:
    """The Secret that holds the connectors' token, which comes in base64 and passes through untouched."""
    return {
        "apiVersion": "v1",
        "kind": "Secret",
        "metadata": _metadata(spec),
        "type": "Opaque",
        "data": {TOKEN_FILE: token},
    }


def build_policies(spec: ConnectorSpec) -> list[Manifest]:
    """Out: Cloudflare's tunnel port, the gateways, the cluster's DNS. In: nothing. The namespace denies all else."""
    own = platform_labels(spec.region, labels.ROLE_CONNECTOR)
    connectors = {"podSelector": {"matchLabels": selector()}}
    gateways = {labels.ROLE: labels.ROLE_GATEWAY}
    edges = [{"ipBlock": {"cidr": str(network)}} for network in TUNNEL_EDGES]
    tunnel = [{"protocol": "UDP", "port": TUNNEL_PORT}, tcp(TUNNEL_PORT)]
    out = [
        {"to": edges, "ports": tunnel},
        {"to": [pods_of(spec.namespace, gateways)], "ports": [tcp(ports.GATEWAY)]},
        dns_egress(),
    ]
    into = [{"from": [pods_of(spec.namespace, selector())], "ports": [tcp(ports.GATEWAY)]}]
    return [
        network_policy(
            "connector-to-edge-and-gateway",
            spec.namespace,
            own,
            {**connectors, "policyTypes": ["Ingress", "Egress"], "egress": out},
        ),
        network_policy(
            "connector-to-gateway",
            spec.namespace,
            own,
            {"podSelector": {"matchLabels": gateways}, "policyTypes": ["Ingress"], "ingress": into},
        ),
    ]


def build_disruption_budget(spec: ConnectorSpec) -> Manifest:
    """A drain takes one connector at a time."""
    return disruption_budget(_metadata(spec), selector())


def build_deployment(spec: ConnectorSpec, token_digest: Any) -> Manifest:
    """The connectors' pods. cloudflared reads its token once; its digest is in them, so that another one rolls them."""
    annotations = {f"{labels.DOMAIN}/token": token_digest}
    return rolling_deployment(_metadata(spec), spec.replicas, selector(), annotations, _pod(spec))


def _pod(spec: ConnectorSpec) -> dict[str, Any]:
    return {
        **restricted_pod(UID),
        "priorityClassName": spec.priority_class,
        "terminationGracePeriodSeconds": limits.TERMINATION_GRACE_S,
        "topologySpreadConstraints": spread(selector(), spec.spread == "strict"),
        "containers": [_container(spec)],
        "volumes": [
            # Mode 0440: the group is the pod's own, and cloudflared is not root.
            {"name": TOKEN_FILE, "secret": {"secretName": CONNECTOR, "defaultMode": 0o440}},
        ],
    }


def _container(spec: ConnectorSpec) -> dict[str, Any]:
    command = ["cloudflared", "--no-autoupdate", "tunnel", "--metrics", f"0.0.0.0:{ports.CONNECTOR_OPS}"]
    running = ["--grace-period", f"{limits.GRACE_S}s", "run", "--token-file", f"{_TOKEN_DIR}/{TOKEN_FILE}"]
    return {
        "name": CONNECTOR,
        "image": spec.image,
        "imagePullPolicy": "IfNotPresent",
        "command": [*command, *running],
        "ports": [{"name": "ops", "containerPort": ports.CONNECTOR_OPS, "protocol": "TCP"}],
        # `/ready` is 200 while a connection to the edge stands. A pod without one is not broken: it reconnects.
        "readinessProbe": http_probe("/ready", "ops", period_s=5, failures=2),
        "livenessProbe": http_probe("/healthcheck", "ops", period_s=10, failures=3),
        "resources": {
            "requests": {"cpu": "100m", "memory": "128Mi", "ephemeral-storage": "16Mi"},
            "limits": {"memory": "512Mi", "ephemeral-storage": "16Mi"},
        },
        "securityContext": restricted_container(),
        "volumeMounts": [{"name": TOKEN_FILE, "mountPath": _TOKEN_DIR, "readOnly": True}],
    }
