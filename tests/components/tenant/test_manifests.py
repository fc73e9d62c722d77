"""A tenant is held to its ceilings and apart from everybody."""

from typing import Any

import pytest

from components.labels import ReservedLabelError
from components.tenant.manifests import (
    build_limits,
    build_namespace,
    build_policies,
    build_quota,
    build_service_account,
)
from runtime.contract import labels, ports
from tests.components.specs import TENANT


def test_pods_outside_the_restricted_profile_are_refused_not_just_reported() -> None:
    own = build_namespace(TENANT)["metadata"]["labels"]
    for mode in ("enforce", "audit", "warn"):
        assert own[f"pod-security.kubernetes.io/{mode}"] == "restricted"
        assert own[f"pod-security.kubernetes.io/{mode}-version"].startswith("v1.")


@pytest.mark.parametrize(
    "key", [labels.TENANT, "pod-security.kubernetes.io/enforce", "kubernetes.io/metadata.name", "NVIDIA.com/x"]
)
def test_a_tenant_cannot_label_itself_out(key: str) -> None:
    with pytest.raises(ReservedLabelError):
        build_namespace(TENANT.model_copy(update={"supplied_labels": {key: "x"}}))


def test_the_quota_counts_everything_an_agent_takes() -> None:
    hard = build_quota(TENANT)["spec"]["hard"]
    assert hard["requests.nvidia.com/gpu"] == "2"
    assert hard["requests.storage"] == "400G"
    assert hard["pods"] == hard["persistentvolumeclaims"] == "2"
    assert hard["requests.memory"] == hard["limits.memory"] == "48Gi"
    assert hard["services.loadbalancers"] == hard["services.nodeports"] == "0"


def test_a_pod_has_exactly_one_gpu() -> None:
    limits = {each["type"]: each for each in build_limits(TENANT)["spec"]["limits"]}
    assert limits["Pod"]["min"] == limits["Pod"]["max"] == {"nvidia.com/gpu": "1"}
    assert limits["PersistentVolumeClaim"] == {
        "type": "PersistentVolumeClaim",
        "min": {"storage": "50G"},
        "max": {"storage": "2T"},
    }


def test_only_the_gateway_and_the_monitoring_come_in_each_to_its_own_port() -> None:
    policies = {policy["metadata"]["name"]: policy["spec"] for policy in build_policies(TENANT)}
    assert policies["default-deny"] == {"podSelector": {}, "policyTypes": ["Ingress", "Egress"]}
    rules = [rule for spec in policies.values() for rule in spec.get("ingress", [])]

    # One peer with both selectors: as two peers, any pod of that namespace would do.
    def only(namespace: str, role: str, port: int) -> dict[str, Any]:
        peer = {
            "namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": namespace}},
            "podSelector": {"matchLabels": {labels.ROLE: role}},
        }
        return {"from": [peer], "ports": [{"protocol": "TCP", "port": port}]}

    assert rules == [
        only("moltghost-system", labels.ROLE_GATEWAY, ports.AGENT),
        only("monitoring", labels.ROLE_MONITORING, ports.AGENT_OPS),
    ]
    selected = [spec["podSelector"] for spec in policies.values() if "ingress" in spec]
    assert selected == [{"matchLabels": {labels.ROLE: labels.ROLE_AGENT}}] * 2


def test_agents_get_out_to_dns_alone() -> None:
    rules = [rule for policy in build_policies(TENANT) for rule in policy["spec"].get("egress", [])]
    assert [{port["port"] for port in rule["ports"]} for rule in rules] == [{53}]
    assert all("podSelector" in peer and "namespaceSelector" in peer for rule in rules for peer in rule["to"])


def test_the_account_has_no_token() -> None:
    assert build_service_account(TENANT)["automountServiceAccountToken"] is False
