"""The pods and claims the tests of a real cluster make."""

from collections.abc import Mapping
from typing import Any

import pytest

from tests.infra.local.cluster.kubectl import Kubectl

MARKS = [pytest.mark.cluster, pytest.mark.timeout(600), pytest.mark.xdist_group("real-cluster")]
"""Of every module whose tests use the cluster."""

NAMESPACE = "probe"
USER = {"runAsNonRoot": True, "runAsUser": 10001, "runAsGroup": 10001, "fsGroup": 10001}
SERVE = "echo hello > /tmp/index.html; exec httpd -f -p 8080 -h /tmp"


def addresses(kubectl: Kubectl) -> dict[str, str]:
    """Every pod's address."""
    items = kubectl.get("-n", NAMESPACE, "pods")["items"]
    return {item["metadata"]["name"]: item["status"]["podIP"] for item in items}


def storage_class() -> dict[str, Any]:
    """The class of the machine's own provisioner."""
    return {
        "apiVersion": "storage.k8s.io/v1",
        "kind": "StorageClass",
        "metadata": {"name": "local"},
        "provisioner": "moltghost.io/local-dir",
        "volumeBindingMode": "WaitForFirstConsumer",
        "reclaimPolicy": "Delete",
    }


def build_claim(name: str = "data", size: str = "50Gi") -> dict[str, Any]:
    """A claim of the local class."""
    wanted = {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": size}}}
    return {
        "apiVersion": "v1",
        "kind": "PersistentVolumeClaim",
        "metadata": {"name": name, "namespace": NAMESPACE},
        "spec": {"storageClassName": "local", **wanted},
    }


def build_pod(name: str, image: str) -> dict[str, Any]:
    """A pod that answers HTTP and has a GPU; pod `one` has the claim."""
    data = {"persistentVolumeClaim": {"claimName": "data"}} if name == "one" else {"emptyDir": {}}
    pod = sleeping_pod(name, image, {"data": data, "tmp": {"emptyDir": {}}})
    (container,) = pod["spec"]["containers"]
    container["command"] = ["/bin/sh", "-c", SERVE]
    container["readinessProbe"] = {"httpGet": {"path": "/", "port": 8080}, "periodSeconds": 1}
    container["resources"]["limits"]["nvidia.com/gpu"] = "1"
    return pod


def sleeping_pod(
    name: str, image: str, volumes: Mapping[str, Mapping[str, Any]], memory: str = "32Mi"
) -> dict[str, Any]:
    """A pod that passes Pod Security `restricted`, with each volume at `/<its name>`."""
    container = {
        "name": "main",
        "image": image,
        "imagePullPolicy": "IfNotPresent",
        "securityContext": {
            "allowPrivilegeEscalation": False,
            "readOnlyRootFilesystem": True,
            "capabilities": {"drop": ["ALL"]},
        },
        "resources": {"limits": {"cpu": "100m", "memory": memory}},
        "volumeMounts": [{"name": volume, "mountPath": f"/{volume}"} for volume in volumes],
    }
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": name, "namespace": NAMESPACE, "labels": {"name": name}},
        "spec": {
            "automountServiceAccountToken": False,
            "terminationGracePeriodSeconds": 0,
            "securityContext": {**USER, "seccompProfile": {"type": "RuntimeDefault"}},
            "containers": [container],
            "volumes": [{"name": volume, **source} for volume, source in volumes.items()],
        },
    }


def reaches(kubectl: Kubectl, pod: str, host: str, port: int) -> bool:
    """Whether a pod gets a TCP connection."""
    return kubectl.shell(NAMESPACE, pod, f"nc -w 1 {host} {port} </dev/null").returncode == 0


def size_of(kubectl: Kubectl, pod: str, path: str) -> int:
    """Bytes of the file system at a pod's path, as the pod sees it."""
    fields = kubectl.shell(NAMESPACE, pod, f"df -k {path}").stdout.splitlines()[-1].split()
    return int(fields[1]) << 10
