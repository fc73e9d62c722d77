"""Cilium as one cluster gets it: enforced, encrypted, replicated, and nothing left of the placeholders."""

from typing import Any

import pytest
import yaml

from components.cluster import cilium_manifests
from components.cluster.cilium_manifests import NOT_READY_TAINT, PODS_A_NODE, build_cilium
from tests.components.specs import EKS

BUILT = build_cilium(EKS, "endpoint.example.com", "443")
BY_KIND = {each["kind"]: each for each in BUILT if each["kind"] in {"ConfigMap", "DaemonSet", "Deployment"}}
CONFIG = BY_KIND["ConfigMap"]["data"]
WORKLOADS = [BY_KIND["DaemonSet"], BY_KIND["Deployment"]]


def containers(manifest: dict[str, Any]) -> list[dict[str, Any]]:
    pod = manifest["spec"]["template"]["spec"]
    return [*pod.get("initContainers", []), *pod["containers"]]


def test_no_placeholder_is_left() -> None:
    text = yaml.safe_dump_all(BUILT)
    assert not any(each in text for each in ("endpoint.invalid", "192.0.2.", "cluster-name: cluster-name"))


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("enable-policy", "default"),
        ("enable-k8s-networkpolicy", "true"),
        ("enable-wireguard", "true"),
        ("enable-encryption-strict-mode-egress", "true"),
        ("enable-encryption-strict-mode-ingress", "true"),
        ("encryption-strict-egress-cidr", str(EKS.pod_cidr)),
        ("cluster-pool-ipv4-cidr", str(EKS.pod_cidr)),
        ("kube-proxy-replacement", "true"),
        ("enable-endpoint-lockdown-on-policy-overflow", "true"),
        ("remove-cilium-node-taints", "true"),
        ("agent-not-ready-taint-key", NOT_READY_TAINT),
        ("enable-hubble", "false"),
        ("cni-exclusive", "true"),
        ("policy-cidr-match-mode", ""),
    ],
)
def test_policies_are_enforced_and_pods_speak_encrypted(key: str, value: str) -> None:
    assert CONFIG[key] == value


def test_a_node_has_more_addresses_than_kubelet_admits_pods() -> None:
    assert 2 ** (32 - int(CONFIG["cluster-pool-ipv4-mask-size"])) - 2 > PODS_A_NODE


def test_every_image_is_the_pinned_one_by_digest() -> None:
    images = {container["image"] for each in WORKLOADS for container in containers(each)}
    assert len(images) == 2
    assert all(":v1.20.2@sha256:" in image for image in images)


def test_images_come_from_the_regions_own_registry_by_the_same_digest() -> None:
    registry = "123456789012.dkr.ecr.us-east-1.amazonaws.com/quay/cilium"
    built = build_cilium(EKS.model_copy(update={"cilium_registry": registry}), "endpoint.example.com", "443")
    for ours, theirs in zip(built, BUILT, strict=True):
        if ours["kind"] in {"DaemonSet", "Deployment"}:
            for mirrored, published in zip(containers(ours), containers(theirs), strict=True):
                assert mirrored["image"] == published["image"].replace("quay.io/cilium", registry)


def test_every_container_that_asks_the_api_asks_this_clusters() -> None:
    hosts = [
        variable["value"]
        for each in WORKLOADS
        for container in containers(each)
        for variable in container.get("env", [])
        if variable["name"] == "KUBERNETES_SERVICE_HOST"
    ]
    assert len(hosts) == 4
    assert set(hosts) == {"endpoint.example.com"}


def test_it_runs_on_every_node_and_before_everything_else() -> None:
    pod = BY_KIND["DaemonSet"]["spec"]["template"]["spec"]
    assert {"operator": "Exists"} in pod["tolerations"]
    assert pod["priorityClassName"] == "system-node-critical"
    assert BY_KIND["DaemonSet"]["spec"]["updateStrategy"]["rollingUpdate"] == {"maxUnavailable": 1}


def test_the_operator_has_a_second_one_elsewhere() -> None:
    deployment = BY_KIND["Deployment"]["spec"]
    pod = deployment["template"]["spec"]
    assert deployment["replicas"] >= 2
    (apart,) = pod["affinity"]["podAntiAffinity"]["requiredDuringSchedulingIgnoredDuringExecution"]
    assert apart["topologyKey"] == "kubernetes.io/hostname"
    assert [each["topologyKey"] for each in pod["topologySpreadConstraints"]] == ["topology.kubernetes.io/zone"]
    assert any(each["kind"] == "PodDisruptionBudget" for each in BUILT)


def test_a_change_of_the_configuration_restarts_what_reads_it() -> None:
    def digests(name: str) -> set[str]:
        built = build_cilium(EKS.model_copy(update={"name": name}), "endpoint.example.com", "443")
        annotations = [
            each["spec"]["template"]["metadata"]["annotations"] for each in built if "template" in each.get("spec", {})
        ]
        return {value for each in annotations for key, value in each.items() if key.endswith("/cilium-config")}

    assert len(digests("one")) == 1
    assert digests("one").isdisjoint(digests("two"))


def test_nobody_waits_for_pods_that_wait_for_nodes() -> None:
    assert all(each["metadata"]["annotations"]["pulumi.com/skipAwait"] == "true" for each in WORKLOADS)


def test_what_one_cluster_is_given_changes_no_other() -> None:
    build_cilium(EKS.model_copy(update={"name": "other"}), "other.example.com", "6443")
    assert "endpoint.invalid" in yaml.safe_dump_all(cilium_manifests._rendered())


def test_no_agent_of_ciliums_reads_what_tenants_keep() -> None:
    reading = [
        each
        for each in BUILT
        for rule in each.get("rules", ())
        if "secrets" in rule.get("resources", ()) or "*" in rule.get("resources", ())
    ]
    assert {each["kind"] for each in reading} == {"Role"}
    assert {each["metadata"]["namespace"] for each in reading} == {"kube-system"}
