"""The connectors: three at least, hardened, dialling out to the edge and speaking to gateways alone."""

from typing import Any

import pytest
from pydantic import ValidationError

from components.control_plane.policies import build_policies as gateway_policies
from components.hardening import pods_of
from components.ingress.manifests import (
    build_deployment,
    build_disruption_budget,
    build_policies,
    build_secret,
    selector,
)
from components.ingress.spec import ConnectorSpec
from runtime.contract import labels, limits, ports
from tests.components.specs import CONNECTOR, GATEWAY

DEPLOYMENT: dict[str, Any] = build_deployment(CONNECTOR, "0" * 64)
POD: dict[str, Any] = DEPLOYMENT["spec"]["template"]["spec"]
(CONTAINER,) = POD["containers"]
POLICIES = {policy["metadata"]["name"]: policy["spec"] for policy in build_policies(CONNECTOR)}


def test_there_are_three_on_different_nodes_and_a_drain_takes_one() -> None:
    assert DEPLOYMENT["spec"]["replicas"] == 3
    assert {each["whenUnsatisfiable"] for each in POD["topologySpreadConstraints"]} == {"DoNotSchedule"}
    assert build_disruption_budget(CONNECTOR)["spec"] == {"maxUnavailable": 1, "selector": {"matchLabels": selector()}}
    with pytest.raises(ValidationError, match="replicas"):
        ConnectorSpec(**{**CONNECTOR.model_dump(), "replicas": 2})


def test_the_pod_keeps_to_the_restricted_profile_and_has_no_token_of_the_cluster() -> None:
    assert POD["automountServiceAccountToken"] is False
    assert POD["securityContext"]["runAsNonRoot"] is True
    assert POD["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
    assert CONTAINER["securityContext"]["readOnlyRootFilesystem"] is True
    assert CONTAINER["securityContext"]["capabilities"] == {"drop": ["ALL"]}
    assert not any("hostPort" in port for port in CONTAINER["ports"])


def test_the_token_is_a_file_and_stands_in_no_argument_and_no_variable() -> None:
    token = build_secret(CONNECTOR, "bm90IGhlcmU=")["data"]["token"]
    assert token not in str(DEPLOYMENT)
    assert "env" not in CONTAINER
    assert CONTAINER["command"][-2:] == ["--token-file", "/run/moltghost/connector/token"]
    assert POD["volumes"][0]["secret"]["defaultMode"] == 0o440


def test_another_token_rolls_the_pods() -> None:
    assert build_deployment(CONNECTOR, "1" * 64)["spec"]["template"] != DEPLOYMENT["spec"]["template"]


def test_it_stops_after_its_streams_and_before_it_is_killed() -> None:
    grace = int(CONTAINER["command"][CONTAINER["command"].index("--grace-period") + 1].removesuffix("s"))
    assert grace == limits.GRACE_S < POD["terminationGracePeriodSeconds"]


def test_it_reaches_the_edge_gateways_and_dns_and_nothing_reaches_it() -> None:
    connector = POLICIES["connector-to-edge-and-gateway"]
    assert connector["podSelector"] == {"matchLabels": selector()}
    assert connector["policyTypes"] == ["Ingress", "Egress"]
    assert "ingress" not in connector
    ports_out = [{port["port"] for port in rule["ports"]} for rule in connector["egress"]]
    assert ports_out == [{7844}, {ports.GATEWAY}, {53}]
    blocks = [peer["ipBlock"]["cidr"] for peer in connector["egress"][0]["to"]]
    assert blocks == ["198.41.192.0/24", "198.41.200.0/24"]


def test_gateways_take_requests_from_connectors_where_no_address_outside_is_named() -> None:
    gateway = POLICIES["connector-to-gateway"]
    assert gateway["podSelector"] == {"matchLabels": {labels.ROLE: labels.ROLE_GATEWAY}}
    assert gateway["ingress"] == [
        {
            "from": [pods_of(CONNECTOR.namespace, selector())],
            "ports": [{"protocol": "TCP", "port": ports.GATEWAY}],
        }
    ]
    without = gateway_policies(GATEWAY.model_copy(update={"tunnel_source": None}))
    assert "tunnel-to-gateway" not in {policy["metadata"]["name"] for policy in without}
    assert "tunnel-to-gateway" in {policy["metadata"]["name"] for policy in gateway_policies(GATEWAY)}


def test_nothing_of_it_is_a_service() -> None:
    made = [build_secret(CONNECTOR, ""), *build_policies(CONNECTOR), DEPLOYMENT, build_disruption_budget(CONNECTOR)]
    assert {each["kind"] for each in made} == {"Secret", "NetworkPolicy", "Deployment", "PodDisruptionBudget"}
