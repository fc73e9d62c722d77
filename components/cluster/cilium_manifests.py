"""Cilium's objects: the chart's, as rendered into this folder, with what only one cluster's own can be filled in."""

import copy
import hashlib
import json
from functools import cache
from importlib import resources
from typing import Any

import yaml

from components.cluster.eks_spec import EksSpec
from components.values import Manifest
from runtime.contract import labels

NOT_READY_TAINT = "node.cilium.io/agent-not-ready"
"""Nodes join with it; Cilium takes it away once the node's policies are enforced. Until then no other pod runs there.

https://docs.cilium.io/en/stable/installation/taints/
"""

PODS_A_NODE = 110
"""What kubelets admit; Cilium hands each node a /25, so that none runs out of addresses."""

_CONFIG = "cilium-config"
_PUBLISHED = "quay.io/cilium/"
_CONFIG_DIGEST = f"{labels.DOMAIN}/cilium-config"
_SERVICE_HOST = "KUBERNETES_SERVICE_HOST"
_SERVICE_PORT = "KUBERNETES_SERVICE_PORT"


@cache
def _rendered() -> tuple[Manifest, ...]:
    text = resources.files("components.cluster").joinpath("cilium", "rendered.yaml").read_text()
    return tuple(yaml.load_all(text, Loader=yaml.CSafeLoader))


def build_cilium(spec: EksSpec, api_host: Any, api_port: Any) -> list[Manifest]:
    """Cilium's objects for one cluster. Host name and port of the API server may not be known yet; both are text.

    Pods of different nodes speak over WireGuard alone: strict mode drops what isn't encrypted, both ways.
    """
    manifests = copy.deepcopy(list(_rendered()))
    config = next(each for each in manifests if each["metadata"]["name"] == _CONFIG)["data"]
    config |= {
        "cluster-name": spec.name,
        "cluster-pool-ipv4-cidr": str(spec.pod_cidr),
        "encryption-strict-egress-cidr": str(spec.pod_cidr),
    }
    if spec.mtu is not None:
        # Each node would go by its own interface, which knows nothing of the tunnel to the others' site.
        config["mtu"] = str(spec.mtu)
    digest = hashlib.sha256(json.dumps(config, sort_keys=True).encode()).hexdigest()
    for manifest in manifests:
        if manifest["kind"] in {"DaemonSet", "Deployment"}:
            _fit(manifest, {_SERVICE_HOST: api_host, _SERVICE_PORT: api_port}, digest)
            _take_images_from(spec.cilium_registry, manifest)
    return manifests


def _fit(manifest: Manifest, api_server: dict[str, Any], digest: str) -> None:
    """Point a workload at the API server; restart it when its configuration changes; don't wait for nodes to run it."""
    # The pools wait for these objects, and these pods for the pools' nodes.
    manifest["metadata"].setdefault("annotations", {})["pulumi.com/skipAwait"] = "true"
    template = manifest["spec"]["template"]
    template["metadata"]["annotations"][_CONFIG_DIGEST] = digest
    pod = template["spec"]
    for container in (*pod.get("initContainers", ()), *pod["containers"]):
        for variable in container.get("env", ()):
            if variable["name"] in api_server:
                variable["value"] = api_server[variable["name"]]


def _take_images_from(registry: str, manifest: Manifest) -> None:
    """Point a workload's images at another registry; the digests stay what they are."""
    pod = manifest["spec"]["template"]["spec"]
    for container in (*pod.get("initContainers", ()), *pod["containers"]):
        container["image"] = f"{registry}/{container['image'].removeprefix(_PUBLISHED)}"
