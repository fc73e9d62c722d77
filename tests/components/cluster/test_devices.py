"""What runs beside agents: whole GPUs, told by kubelet alone; an autoscaler that changes its own cluster only."""

import json
from typing import Any

import pytest
from pydantic import ValidationError

from components.cluster import device_manifests as manifests
from components.cluster.devices_spec import DevicesSpec
from components.quantities import GPU
from runtime.contract import labels
from tests.components.specs import DEVICES

IMAGE = DEVICES.local_disks_image or ""
PLUGIN = manifests.build_device_plugin(DEVICES)
DISKS = manifests.build_local_disks(DEVICES, IMAGE)
AUTOSCALER = manifests.build_autoscaler(DEVICES)


def pod_of(manifest: dict[str, Any]) -> dict[str, Any]:
    pod: dict[str, Any] = manifest["spec"]["template"]["spec"]
    return pod


def test_a_gpu_is_whole_and_told_by_a_mount_that_only_kubelet_makes() -> None:
    (container,) = pod_of(PLUGIN)["containers"]
    assert {"--mig-strategy=none", "--device-list-strategy=volume-mounts"} <= set(container["args"])
    assert not any("sharing" in each or "config" in each for each in container["args"])
    assert "env" not in container


@pytest.mark.parametrize("manifest", [PLUGIN, DISKS[-1]], ids=["plugin", "disks"])
def test_nodes_own_programs_have_no_capability_and_come_after_the_network(manifest: dict[str, Any]) -> None:
    pod = pod_of(manifest)
    (container,) = pod["containers"]
    assert container["securityContext"]["capabilities"] == {"drop": ["ALL"]}
    assert container["securityContext"]["privileged"] is False
    assert container["securityContext"]["readOnlyRootFilesystem"] is True
    keys = {toleration["key"] for toleration in pod["tolerations"]}
    assert {GPU, labels.TENANT} <= keys
    assert not any("cilium" in key for key in keys)
    assert not any(pod.get(flag) for flag in ("hostNetwork", "hostPID", "hostIPC"))


def test_only_the_namespace_of_nodes_own_programs_admits_host_paths() -> None:
    namespace = manifests.build_namespace(DEVICES)
    assert namespace["metadata"]["labels"]["pod-security.kubernetes.io/enforce"] == "privileged"
    assert PLUGIN["metadata"]["namespace"] == DISKS[-1]["metadata"]["namespace"] == namespace["metadata"]["name"]
    assert AUTOSCALER[-1]["metadata"]["namespace"] != namespace["metadata"]["name"]
    assert not any("hostPath" in volume for volume in pod_of(AUTOSCALER[-1]).get("volumes", []))


def test_nothing_is_let_in_and_only_the_api_server_is_reached() -> None:
    policies = {each["metadata"]["name"]: each["spec"] for each in manifests.build_isolation(DEVICES)}
    assert policies["default-deny"] == {"podSelector": {}, "policyTypes": ["Ingress", "Egress"]}
    assert policies[manifests.AUTOSCALER]["policyTypes"] == ["Ingress"]
    assert "ingress" not in policies[manifests.AUTOSCALER]
    (rule,) = policies[manifests.DISKS]["egress"]
    assert rule["to"] == [{"ipBlock": {"cidr": str(DEVICES.api_server_nodes)}}]


def test_a_region_without_local_disks_has_no_policy_for_them() -> None:
    without = DEVICES.model_copy(update={"local_disks_image": None})
    assert manifests.DISKS not in {each["metadata"]["name"] for each in manifests.build_isolation(without)}


def test_a_disks_volume_outlives_its_claim() -> None:
    assert DISKS[0]["reclaimPolicy"] == "Retain"
    assert DISKS[0]["volumeBindingMode"] == "WaitForFirstConsumer"


@pytest.mark.parametrize("objects", [DISKS, AUTOSCALER], ids=["disks", "autoscaler"])
def test_no_right_goes_beyond_nodes_and_volumes(objects: list[dict[str, Any]]) -> None:
    rules = [rule for each in objects for rule in each.get("rules", [])]
    assert rules
    assert not any({"*", "bind", "escalate", "impersonate"} & set(rule["verbs"]) for rule in rules)
    assert not any({"*", "secrets", "pods/exec", "roles", "clusterroles"} & set(rule["resources"]) for rule in rules)


def test_the_autoscaler_changes_groups_of_its_own_cluster_alone() -> None:
    read, change = json.loads(manifests.build_autoscaler_permissions("blue"))["Statement"]
    assert "Condition" not in read
    assert all(action.split(":")[1].startswith(("Describe", "Get")) for action in read["Action"])
    assert change["Condition"] == {"StringEquals": {"aws:ResourceTag/k8s.io/cluster-autoscaler/blue": "owned"}}


def test_the_autoscaler_has_a_standby_is_spread_and_drained_one_by_one() -> None:
    deployment = AUTOSCALER[-1]
    assert deployment["spec"]["replicas"] >= 2
    assert pod_of(deployment)["priorityClassName"] == "system-cluster-critical"
    assert pod_of(deployment)["topologySpreadConstraints"]
    assert any(each["kind"] == "PodDisruptionBudget" for each in AUTOSCALER)


def test_a_node_with_an_agent_on_it_is_never_taken_away() -> None:
    (container,) = pod_of(AUTOSCALER[-1])["containers"]
    assert "--skip-nodes-with-local-storage=true" in container["args"]


@pytest.mark.parametrize(
    ("image", "words"),
    [
        ("registry.example.com/k8s-device-plugin:v0.17.2@sha256:" + "0" * 64, "CVE-2025-23266"),
        ("registry.example.com/k8s-device-plugin@sha256:" + "0" * 64, "must have its version"),
        ("registry.example.com/k8s-device-plugin:v0.19.3", "match pattern"),
    ],
)
def test_a_plugin_with_known_holes_or_of_no_version_is_refused(image: str, words: str) -> None:
    with pytest.raises(ValidationError, match=words):
        DevicesSpec(**{**DEVICES.model_dump(), "device_plugin_image": image})
