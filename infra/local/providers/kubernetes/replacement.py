"""Which changes Kubernetes forbids: such an object is deleted and made anew."""

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from infra.local.providers.kubernetes.manifest import group_of
from infra.local.providers.properties import Path

ALWAYS = ("kind", "metadata.name", "metadata.namespace")
IMMUTABLE: Mapping[tuple[str, str], Sequence[str]] = {
    ("apps", "DaemonSet"): ("spec.selector",),
    ("apps", "Deployment"): ("spec.selector",),
    ("apps", "ReplicaSet"): ("spec.selector",),
    ("apps", "StatefulSet"): (
        "spec.selector",
        "spec.serviceName",
        "spec.podManagementPolicy",
        "spec.volumeClaimTemplates",
    ),
    ("batch", "Job"): ("spec.selector", "spec.template", "spec.completionMode"),
    ("", "PersistentVolumeClaim"): (
        "spec.accessModes",
        "spec.selector",
        "spec.storageClassName",
        "spec.volumeMode",
        "spec.volumeName",
        "spec.dataSource",
    ),
    ("", "PersistentVolume"): ("spec.local", "spec.hostPath", "spec.csi", "spec.nfs", "spec.volumeMode"),
    ("", "Secret"): ("type",),
    ("", "Service"): ("spec.clusterIP", "spec.clusterIPs"),
    ("storage.k8s.io", "StorageClass"): ("provisioner", "parameters", "reclaimPolicy", "volumeBindingMode"),
    ("rbac.authorization.k8s.io", "RoleBinding"): ("roleRef",),
    ("rbac.authorization.k8s.io", "ClusterRoleBinding"): ("roleRef",),
    ("scheduling.k8s.io", "PriorityClass"): ("value", "preemptionPolicy"),
    ("node.k8s.io", "RuntimeClass"): ("handler",),
    ("networking.k8s.io", "IngressClass"): ("spec.controller",),
    ("apiextensions.k8s.io", "CustomResourceDefinition"): ("spec.group", "spec.scope", "spec.names.kind"),
    ("discovery.k8s.io", "EndpointSlice"): ("addressType",),
}

# How the server's validation words it when a field can't be changed.
_REFUSALS = re.compile(
    r"immutable|may not (be )?chang|cannot be chang|can't be chang|updates to \w+ spec for fields other than"
    r"|updates may not change fields|once set|may not be (un)?set|Forbidden: .*updat",
    re.IGNORECASE,
)


def immutable_paths(manifest: Mapping[str, Any]) -> list[str]:
    """The paths of which the API is known to allow no change; an `immutable` Secret's or ConfigMap's data too."""
    kind = str(manifest.get("kind"))
    paths = [*ALWAYS, *IMMUTABLE.get((group_of(str(manifest.get("apiVersion"))), kind), ())]
    if kind in ("Secret", "ConfigMap") and manifest.get("immutable") is True:
        paths += ["data", "binaryData", "stringData", "immutable"]
    return paths


def refused_paths(causes: Sequence[Mapping[str, Any]], changed: Sequence[Path]) -> Iterator[Path]:
    """Those of the changed paths that the server, asked by a dry run, called unchangeable."""
    for cause in causes:
        if not _REFUSALS.search(str(cause.get("message", ""))):
            continue
        field = _names(str(cause.get("field", "")))
        yield from (path for path in changed if _overlap(field, tuple(str(p) for p in path if isinstance(p, str))))


def only_refusals(causes: Sequence[Mapping[str, Any]]) -> bool:
    """Whether the server refused nothing but the change of what can't be changed."""
    return bool(causes) and all(_REFUSALS.search(str(cause.get("message", ""))) for cause in causes)


def _names(field: str) -> tuple[str, ...]:
    """`spec.ports[0].name` without indexes."""
    return tuple(part for part in re.sub(r"\[[^]]*\]", "", field).split(".") if part)


def _overlap(one: tuple[str, ...], other: tuple[str, ...]) -> bool:
    shared = min(len(one), len(other))
    return one[:shared] == other[:shared]
