"""What every pod and namespace of ours shares: Pod Security `restricted`, and nothing on the network by default."""

from typing import Any

POD_SECURITY_VERSION = "v1.36"
"""The version of the `restricted` profile namespaces hold their pods to; raised together with the clusters."""

NAME_LABEL = "kubernetes.io/metadata.name"
"""Set on every namespace by the API server itself, so nobody can claim another's."""


def restricted_namespace_labels() -> dict[str, str]:
    """Labels that make the API server refuse any pod outside the `restricted` profile."""
    modes = ("enforce", "audit", "warn")
    levels = {f"pod-security.kubernetes.io/{mode}": "restricted" for mode in modes}
    versions = {f"pod-security.kubernetes.io/{mode}-version": POD_SECURITY_VERSION for mode in modes}
    return {**levels, **versions}


def restricted_pod(uid: int) -> dict[str, Any]:
    """Fields of a pod spec that every pod of ours has; `uid` is user, group and owner of its volumes."""
    return {
        "automountServiceAccountToken": False,
        "enableServiceLinks": False,
        "securityContext": {
            "runAsNonRoot": True,
            "runAsUser": uid,
            "runAsGroup": uid,
            "fsGroup": uid,
            "fsGroupChangePolicy": "OnRootMismatch",
            "seccompProfile": {"type": "RuntimeDefault"},
        },
    }


def restricted_container() -> dict[str, Any]:
    """The security context of every container of ours."""
    return {
        "allowPrivilegeEscalation": False,
        "capabilities": {"drop": ["ALL"]},
        "privileged": False,
        "readOnlyRootFilesystem": True,
        "runAsNonRoot": True,
    }


def default_deny(namespace: str, labels: dict[str, str]) -> dict[str, Any]:
    """The NetworkPolicy that leaves a namespace's pods no connection in or out but those another policy names."""
    return network_policy("default-deny", namespace, labels, {"podSelector": {}, "policyTypes": ["Ingress", "Egress"]})


def network_policy(name: str, namespace: str, labels: dict[str, str], spec: dict[str, Any]) -> dict[str, Any]:
    """A NetworkPolicy manifest."""
    return {
        "apiVersion": "networking.k8s.io/v1",
        "kind": "NetworkPolicy",
        "metadata": {"name": name, "namespace": namespace, "labels": labels},
        "spec": spec,
    }


def pods_of(namespace: str, pod_labels: dict[str, str]) -> dict[str, Any]:
    """A NetworkPolicy peer: the pods of one namespace that carry the labels. Both must hold, in one element."""
    return {
        "namespaceSelector": {"matchLabels": {NAME_LABEL: namespace}},
        "podSelector": {"matchLabels": pod_labels},
    }


def tcp(port: int) -> dict[str, Any]:
    """One TCP port of a NetworkPolicy rule."""
    return {"protocol": "TCP", "port": port}


def dns_egress() -> dict[str, Any]:
    """The egress rule to the cluster's own DNS, and to no other resolver."""
    return {
        "to": [pods_of("kube-system", {"k8s-app": "kube-dns"})],
        "ports": [{"protocol": "UDP", "port": 53}, {"protocol": "TCP", "port": 53}],
    }


def http_probe(path: str, port: int | str, period_s: int, failures: int, timeout_s: int = 2) -> dict[str, Any]:
    """A probe that asks a path over HTTP every `period_s` seconds and gives up after `failures` in a row."""
    return {
        "httpGet": {"path": path, "port": port, "scheme": "HTTP"},
        "periodSeconds": period_s,
        "timeoutSeconds": timeout_s,
        "failureThreshold": failures,
    }
