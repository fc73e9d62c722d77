"""The gateway: three, apart, reachable through the tunnel alone, and with eyes only for Sandboxes."""

import pytest
from pydantic import ValidationError

from components.control_plane import manifests, policies
from components.control_plane.spec import GatewaySpec
from runtime.contract import env, labels, limits, ports
from tests.components.specs import GATEWAY


@pytest.mark.parametrize(("spread", "expected"), [("strict", "DoNotSchedule"), ("relaxed", "ScheduleAnyway")])
def test_replicas_are_spread_as_asked(spread: str, expected: str) -> None:
    spec = GATEWAY.model_copy(update={"spread": spread})
    constraints = manifests.build_deployment(spec)["spec"]["template"]["spec"]["topologySpreadConstraints"]
    assert {each["topologyKey"]: each["whenUnsatisfiable"] for each in constraints} == {
        "topology.kubernetes.io/zone": expected,
        "kubernetes.io/hostname": expected,
    }


def test_a_single_gateway_is_refused() -> None:
    with pytest.raises(ValidationError, match="replicas"):
        GatewaySpec.model_validate({**dict(GATEWAY), "replicas": 1})


def test_it_may_look_at_sandboxes_and_nothing_else() -> None:
    (role,) = [each for each in manifests.build_identity(GATEWAY) if each["kind"] == "ClusterRole"]
    assert role["rules"] == [
        {"apiGroups": ["agents.x-k8s.io"], "resources": ["sandboxes"], "verbs": ["get", "list", "watch"]}
    ]


def test_it_has_no_address_outside_the_cluster() -> None:
    service = manifests.build_service(GATEWAY)["spec"]
    assert service["type"] == "ClusterIP"
    assert not {"externalIPs", "loadBalancerIP"} & set(service)


def test_service_and_budget_and_deployment_mean_the_same_pods() -> None:
    deployment = manifests.build_deployment(GATEWAY)["spec"]
    pods = deployment["template"]["metadata"]["labels"]
    for selector in (
        deployment["selector"]["matchLabels"],
        manifests.build_service(GATEWAY)["spec"]["selector"],
        manifests.build_disruption_budget(GATEWAY)["spec"]["selector"]["matchLabels"],
    ):
        assert selector.items() <= pods.items()


def test_a_new_key_rolls_the_gateways() -> None:
    rotated = GATEWAY.model_copy(update={"edge_keys": {"keys": []}})
    before, after = (manifests.build_deployment(spec)["spec"]["template"] for spec in (GATEWAY, rotated))
    assert before["metadata"]["annotations"] != after["metadata"]["annotations"]
    assert before["spec"] == after["spec"]


def test_its_config_is_what_the_image_reads() -> None:
    assert set(manifests.build_config(GATEWAY)["data"]) == {env.EDGE_KEYS, env.REGION}


def test_in_comes_the_tunnel_out_go_agents_the_api_server_and_dns() -> None:
    specs = {policy["metadata"]["name"]: policy["spec"] for policy in policies.build_policies(GATEWAY)}
    assert specs.pop("default-deny") == {"podSelector": {}, "policyTypes": ["Ingress", "Egress"]}
    ingress = [rule for spec in specs.values() for rule in spec.get("ingress", [])]
    assert ingress == [
        {"from": [{"ipBlock": {"cidr": "10.20.0.1/32"}}], "ports": [{"protocol": "TCP", "port": ports.GATEWAY}]}
    ]
    egress = [rule for spec in specs.values() for rule in spec.get("egress", [])]
    assert sorted({port["port"] for rule in egress for port in rule["ports"]}) == [53, 6443, ports.AGENT]
    assert all(spec["podSelector"]["matchLabels"] == {labels.ROLE: labels.ROLE_GATEWAY} for spec in specs.values())


def test_kubernetes_leaves_it_the_time_its_program_takes_to_stop() -> None:
    pod = manifests.build_deployment(GATEWAY)["spec"]["template"]["spec"]
    assert pod["terminationGracePeriodSeconds"] > limits.DRAIN_S + limits.GRACE_S
    (container,) = pod["containers"]
    assert "lifecycle" not in container, "the program itself goes on accepting for as long as the tunnel needs"
