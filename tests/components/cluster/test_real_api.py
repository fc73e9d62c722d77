"""A real API server takes what a cluster on AWS is given, every field of it, and admits the pods it makes."""

from collections.abc import Iterator
from functools import partial
from typing import Any

import httpx
import pytest

from components.cluster import device_manifests as devices
from components.cluster.cilium_manifests import build_cilium
from components.hardening import restricted_namespace_labels
from tests.components.specs import DEVICES, EKS
from tests.infra.local.providers.control_plane import ControlPlane, control_plane
from tests.waiting import eventually

CILIUM = build_cilium(EKS, "127.0.0.1", "6443")
NODES = [
    devices.build_namespace(DEVICES),
    *devices.build_isolation(DEVICES),
    devices.build_device_plugin(DEVICES),
    *devices.build_local_disks(DEVICES, DEVICES.local_disks_image or ""),
    *devices.build_autoscaler(DEVICES),
]
STRICT = {"fieldManager": "test", "fieldValidation": "Strict", "force": "true"}
PATIENCE_S = 30
PLURALS = {"networkpolicy": "networkpolicies", "storageclass": "storageclasses"}


@pytest.fixture(scope="module")
def api(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ControlPlane]:
    with control_plane(tmp_path_factory.mktemp("control-plane")) as running:
        yield running


def apply(api: ControlPlane, manifest: dict[str, Any], **parameters: str) -> httpx.Response:
    """Apply on the server; a field it doesn't know is an error."""
    place = manifest["metadata"].get("namespace")
    api_version = manifest["apiVersion"]
    root = f"/apis/{api_version}" if "/" in api_version else f"/api/{api_version}"
    kind = manifest["kind"].lower()
    plural = PLURALS.get(kind, f"{kind}s")
    path = "/".join([root, *(["namespaces", place] if place else []), plural, manifest["metadata"]["name"]])
    headers = {"Content-Type": "application/apply-patch+yaml"}
    return api.http.patch(path, json=manifest, params={**STRICT, **parameters}, headers=headers)


def has_pods(api: ControlPlane, label: str, count: int) -> bool:
    return len(api.object(f"/api/v1/namespaces/kube-system/pods?labelSelector={label}")["items"]) == count


@pytest.mark.parametrize("manifests", [CILIUM, NODES], ids=["cilium", "nodes"])
def test_every_object_is_taken_as_it_is(api: ControlPlane, manifests: list[dict[str, Any]]) -> None:
    for manifest in manifests:
        answer = apply(api, manifest)
        assert answer.is_success, f"{manifest['kind']}/{manifest['metadata']['name']}: {answer.text}"


def test_replicas_are_admitted(api: ControlPlane) -> None:
    for manifest in (*CILIUM, *NODES):
        assert apply(api, manifest).is_success
    for label, replicas in (("io.cilium/app=operator", 2), ("app.kubernetes.io/name=cluster-autoscaler", 3)):
        eventually(partial(has_pods, api, label, replicas), f"{replicas} pods of {label} are made", PATIENCE_S)


def plugin_pod(namespace: str) -> dict[str, Any]:
    spec = devices.build_device_plugin(DEVICES)["spec"]["template"]["spec"]
    return {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "plugin", "namespace": namespace}, "spec": spec}


def service_account(api: ControlPlane, namespace: str) -> None:
    eventually(
        lambda: api.get(f"/api/v1/namespaces/{namespace}/serviceaccounts/default") is not None,
        f"{namespace} has its account",
        PATIENCE_S,
    )


def test_a_program_of_the_node_is_admitted_where_it_lives_and_nowhere_else(api: ControlPlane) -> None:
    own = NODES[0]
    tenants = {**own, "metadata": {"name": "a-tenants", "labels": restricted_namespace_labels()}}
    for namespace in (own, tenants):
        assert apply(api, namespace).is_success
        service_account(api, namespace["metadata"]["name"])
    assert apply(api, plugin_pod(devices.NAMESPACE), dryRun="All").is_success
    refused = apply(api, plugin_pod("a-tenants"), dryRun="All")
    assert refused.status_code == 403
    assert "hostPath" in refused.text
