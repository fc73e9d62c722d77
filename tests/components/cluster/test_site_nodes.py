"""What machines of other sites may join as, as a real API server has it."""

import copy
from collections.abc import Callable, Iterator
from typing import Any

import httpx
import pytest
import yaml

from components.cluster.site_nodes_manifests import MACHINES, build_admission, build_node_config
from runtime.contract import labels
from tests.components.specs import SITE_NODES
from tests.infra.local.providers.control_plane import ControlPlane, control_plane
from tests.policies.admitting import TIMEOUT, path_of
from tests.waiting import eventually

NAME = f"{MACHINES.rpartition(':')[2]}0123456789abcdef0"
Node = dict[str, Any]


def told() -> Node:
    """The node that a machine of the first site makes of what it is told."""
    flags = yaml.safe_load(build_node_config(SITE_NODES, SITE_NODES.sites[0]))["spec"]["kubelet"]["flags"]
    joined, tainted = (flag.partition("=")[2].split(",") for flag in flags)
    taints = [
        {"key": key, "value": value, "effect": effect}
        for key, _, rest in (each.partition("=") for each in tainted)
        for value, _, effect in (rest.partition(":"),)
    ]
    own = dict(each.split("=") for each in joined)
    return {
        "apiVersion": "v1",
        "kind": "Node",
        "metadata": {"name": NAME, "labels": own},
        "spec": {"taints": taints},
    }


@pytest.fixture(scope="module")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ControlPlane]:
    """An API server that asks the policy by now."""
    with control_plane(tmp_path_factory.mktemp("nodes")) as running:
        for manifest in build_admission(SITE_NODES):
            running.http.post(path_of(manifest), json=manifest).raise_for_status()
        bad = {**told(), "spec": {}}
        eventually(lambda: joins(running, bad).status_code == 403, "the policy is asked", TIMEOUT)
        yield running


def joins(cluster: ControlPlane, node: Node, user: str = f"system:node:{NAME}") -> httpx.Response:
    """What the server answers a kubelet that would join; nothing is made."""
    sent = {"Impersonate-User": user, "Impersonate-Group": "system:masters"}
    return cluster.http.post("/api/v1/nodes", params={"dryRun": "All"}, json=node, headers=sent)


def label(key: str, value: str | None) -> Callable[[Node], object]:
    def change(node: Node) -> None:
        node["metadata"]["labels"] |= {key: value}
        node["metadata"]["labels"] = {name: each for name, each in node["metadata"]["labels"].items() if each}

    return change


def taint(**changed: str) -> Callable[[Node], object]:
    def change(node: Node) -> None:
        (own,) = [each for each in node["spec"]["taints"] if each["key"] == labels.SITE]
        own |= changed

    return change


def test_a_machine_joins_as_what_it_is_told(cluster: ControlPlane) -> None:
    answer = joins(cluster, told())
    assert answer.status_code == 201, answer.text


MUTANTS: list[tuple[str, Callable[[Node], object]]] = [
    ("no site", label(labels.SITE, None)),
    ("a site that has no machines", label(labels.SITE, "dc9")),
    ("another site", label(labels.SITE, "dc2")),
    ("other GPUs", label(labels.GPU_CLASS, "h100")),
    ("the platform's own node", label(labels.PURPOSE, "system")),
    ("one customer's node", label(labels.TENANT, "acme")),
    ("another site's taint", taint(value="dc2")),
    ("a taint that only asks", taint(effect="PreferNoSchedule")),
    ("another taint", taint(key="moltghost.io/other")),
    ("no taint", lambda node: node["spec"].clear()),
]


@pytest.mark.parametrize(("what", "change"), MUTANTS, ids=[what for what, _ in MUTANTS])
def test_a_machine_that_says_it_is_something_else_is_refused(
    what: str, change: Callable[[Node], object], cluster: ControlPlane
) -> None:
    node = copy.deepcopy(told())
    change(node)
    assert joins(cluster, node).status_code == 403, what


def test_nodes_of_the_regions_own_are_not_asked(cluster: ControlPlane) -> None:
    node = told()
    node["metadata"] = {"name": "ip-10-24-0-7.ec2.internal"}
    node["spec"] = {}
    answer = joins(cluster, node, "system:node:ip-10-24-0-7.ec2.internal")
    assert answer.status_code == 201, answer.text
