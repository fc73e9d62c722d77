"""Kubernetes objects of a region's cluster: namespaces, priorities, storage."""

from functools import cache
from importlib import resources
from typing import Any

import yaml

from components.cluster.spec import (
    AGENT_PRIORITY,
    PLATFORM_NAMESPACE,
    PLATFORM_PRIORITY,
    SANDBOX_NAMESPACE,
    STORAGE_CLASS,
    ClusterSpec,
)
from components.hardening import restricted_namespace_labels
from components.labels import platform_labels
from components.values import Manifest
from runtime.contract import labels

_PRIORITIES = {
    PLATFORM_PRIORITY: (1_000_000, "Gateways and controllers: without them no agent can be reached."),
    AGENT_PRIORITY: (1_000, "Agents. They never push another customer's agent out."),
}


@cache
def _vendored(name: str) -> dict[str, Any]:
    text = resources.files("components.cluster").joinpath("crds", name).read_text()
    loaded: dict[str, Any] = yaml.load(text, Loader=yaml.CSafeLoader)
    return loaded


def build_sandbox_definition() -> Manifest:
    """The CustomResourceDefinition of `Sandbox`, as agent-sandbox publishes it, without its conversion webhook."""
    return _vendored("sandboxes.yaml")


def build_namespaces(spec: ClusterSpec) -> list[Manifest]:
    """The platform's own namespaces, held to Pod Security `restricted` like the tenants'."""
    return [
        {
            "apiVersion": "v1",
            "kind": "Namespace",
            "metadata": {
                "name": name,
                "labels": {**platform_labels(spec.region, labels.ROLE_SYSTEM), **restricted_namespace_labels()},
            },
        }
        for name in (SANDBOX_NAMESPACE, PLATFORM_NAMESPACE)
    ]


def build_priority_classes(spec: ClusterSpec) -> list[Manifest]:
    """Who is kept when a node is full: the platform before agents; agents are never preempted for one another."""
    return [
        {
            "apiVersion": "scheduling.k8s.io/v1",
            "kind": "PriorityClass",
            "metadata": {"name": name, "labels": platform_labels(spec.region, labels.ROLE_SYSTEM)},
            "value": value,
            "preemptionPolicy": "Never" if name == AGENT_PRIORITY else "PreemptLowerPriority",
            "description": description,
        }
        for name, (value, description) in _PRIORITIES.items()
    ]


def build_storage_class(spec: ClusterSpec, volumes_key_arn: Any = None) -> Manifest:
    """The class agents' volumes are claimed from. Not the default one: a claim of anything else names its own.

    With a key, which may not be known yet, EBS encrypts them with it.
    """
    encryption = {} if volumes_key_arn is None else {"encrypted": "true", "kmsKeyId": volumes_key_arn}
    parameters = {**spec.storage.parameters, **encryption}
    manifest: Manifest = {
        "apiVersion": "storage.k8s.io/v1",
        "kind": "StorageClass",
        "metadata": {"name": STORAGE_CLASS, "labels": platform_labels(spec.region, labels.ROLE_SYSTEM)},
        "provisioner": spec.storage.provisioner,
        "volumeBindingMode": spec.storage.binding,
        "reclaimPolicy": spec.storage.reclaim,
    }
    return {**manifest, "parameters": parameters} if parameters else manifest
