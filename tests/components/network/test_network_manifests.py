"""What stands in a network's rules and policies."""

import json
from ipaddress import IPv4Network

import pytest

from components.network import manifests
from components.network.manifests import Rule
from components.network.spec import EVERYWHERE, ROLES, SERVICES, NetworkSpec
from tests.components.network.test_network_spec import changed
from tests.components.specs import ACCOUNT, NETWORK

PLAIN = changed(mesh_ranges=(), mesh_ports=())


def rules(spec: NetworkSpec, group: str, direction: str) -> list[Rule]:
    return [each for each in manifests.build_rules(spec) if (each.group, each.direction) == (group, direction)]


@pytest.mark.parametrize("spec", [NETWORK, PLAIN])
def test_only_the_tunnels_ports_are_open_to_everybody(spec: NetworkSpec) -> None:
    open_ = [each for each in manifests.build_rules(spec) if each.direction == "ingress" and each.peer == EVERYWHERE]
    assert [(each.group, each.protocol, each.first, each.last) for each in open_] == [
        ("wireguard", "udp", *spec.wireguard_ports)
    ]


@pytest.mark.parametrize("spec", [NETWORK, PLAIN])
def test_no_two_rules_have_one_name_or_say_the_same(spec: NetworkSpec) -> None:
    every = manifests.build_rules(spec)
    assert len({each.role for each in every}) == len(every)
    assert len(
        {(each.group, each.direction, each.protocol, each.first, each.last, each.peer) for each in every}
    ) == len(every)


@pytest.mark.parametrize("spec", [NETWORK, PLAIN])
def test_what_one_group_may_send_another_takes(spec: NetworkSpec) -> None:
    every = manifests.build_rules(spec)
    sent = {
        (each.group, each.peer, each.protocol, each.first)
        for each in every
        if each.direction == "egress" and each.peer in ROLES
    }
    taken = {
        (each.peer, each.group, each.protocol, each.first)
        for each in every
        if each.direction == "ingress" and each.peer in ROLES
    }
    # A gateway passes on what comes out of the mesh: the API server sees who sent it, and lets that in by its range.
    passed_on = {("wireguard", "cluster", "tcp", manifests.HTTPS)} if spec.mesh_ranges else set()
    assert sent - taken == passed_on
    assert taken <= sent


def test_databases_and_endpoints_start_nothing() -> None:
    assert not rules(NETWORK, "database", "egress")
    assert not rules(NETWORK, "endpoints", "egress")
    assert {(each.peer, each.first) for each in rules(NETWORK, "database", "ingress")} == {("nodes", 5432)}


def test_nodes_reach_what_is_listed_and_nothing_else_outside() -> None:
    outside = {
        (each.peer, each.protocol, each.first)
        for each in rules(PLAIN, "nodes", "egress")
        if isinstance(each.peer, IPv4Network)
    }
    assert outside == {(each.range, each.protocol, port) for each in PLAIN.egress for port in each.ports}


def test_a_range_listed_twice_has_one_route() -> None:
    exits = manifests.egress_ranges(NETWORK)
    assert len(exits) == len(set(exits)) == 3


def test_without_a_mesh_no_other_site_comes_in() -> None:
    foreign = [
        each for each in manifests.build_rules(PLAIN) if isinstance(each.peer, IPv4Network) and each.peer.is_private
    ]
    assert {each.group for each in foreign} == {"wireguard"}  # its routers, in the public subnets
    assert all(each.peer.subnet_of(PLAIN.block) for each in foreign if isinstance(each.peer, IPv4Network))


def test_the_acl_takes_queries_and_gives_answers_to_nodes_alone() -> None:
    queries, answers = manifests.build_database_acl(NETWORK)
    nodes = {zone.nodes for zone in NETWORK.ranges.zones}
    assert {each.network for each in queries} == {each.network for each in answers} == nodes
    assert {(each.first, each.last) for each in queries} == {(5432, 5432)}
    assert all(each.first >= 1024 for each in answers)


@pytest.mark.parametrize("service", SERVICES)
def test_an_endpoint_serves_the_account_s_principals_alone(service: str) -> None:
    policy = json.loads(manifests.build_endpoint_policy(NETWORK, service))  # type: ignore[arg-type]
    for statement in policy["Statement"]:
        own = statement.get("Condition", {}).get("StringEquals", {}).get("aws:PrincipalAccount") == ACCOUNT
        assert own or statement["Resource"] == f"arn:aws:iam::{ACCOUNT}:role/*"


def test_s3_is_the_account_s_own_but_for_two_buckets_to_read() -> None:
    own, theirs = json.loads(manifests.build_s3_policy(NETWORK))["Statement"]
    assert own["Condition"] == {"StringEquals": {"aws:PrincipalAccount": ACCOUNT, "aws:ResourceAccount": ACCOUNT}}
    assert theirs["Action"] == "s3:GetObject"
    assert all(arn.startswith("arn:aws:s3:::") and "ap-southeast-1" in arn for arn in theirs["Resource"])


def test_flow_logs_of_another_account_cannot_take_the_role() -> None:
    (statement,) = json.loads(manifests.build_flow_log_trust(NETWORK))["Statement"]
    assert statement["Condition"]["StringEquals"] == {"aws:SourceAccount": ACCOUNT}
    assert statement["Condition"]["ArnLike"]["aws:SourceArn"].startswith(f"arn:aws:ec2:ap-southeast-1:{ACCOUNT}:")


def test_the_role_writes_to_its_own_log_group_alone() -> None:
    (statement,) = json.loads(manifests.build_flow_log_rights(NETWORK))["Statement"]
    assert all("log-group:/moltghost/sin/flow-logs" in arn for arn in statement["Resource"])
    assert "*" not in statement["Action"]
