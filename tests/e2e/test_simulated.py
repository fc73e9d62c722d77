"""The path of a user who is not root, run here by whoever runs the tests: all but the pods is real."""

import io
import json
from collections.abc import Iterator
from dataclasses import dataclass

import pytest
from rich.console import Console

from infra.local.chat import ChatFailedError
from infra.local.cluster.kubelet import GPU_RESOURCE
from infra.local.commands import bring_up
from infra.local.machine import Mode
from infra.local.orphans import instance_processes
from infra.local.progress import Steps
from infra.local.region import LocalRegion
from runtime.contract import labels
from tests.e2e.conftest import PROJECT, Cluster

pytestmark = [pytest.mark.cluster, pytest.mark.timeout(300)]

SLOT = 6


@dataclass(frozen=True)
class Up:
    """A region of simulated nodes, and what its user was shown while it came up."""

    region: LocalRegion
    cluster: Cluster
    shown: str


@pytest.fixture(scope="module")
def up() -> Iterator[Up]:
    """The region, up as `make up` brings it; what an interrupted run left is cleared first."""
    shown = io.StringIO()
    region = LocalRegion(PROJECT / f".state-{SLOT}", SLOT, Mode.SIMULATED)
    region.down(Steps())
    try:
        bring_up(region, Steps(Console(file=shown, soft_wrap=True)))
        kubectl = region.tools.ensure(["kubectl"], lambda _detail: None)["kubectl"]
        namespace = region.engine.stack_output()["gateway_namespace"]
        yield Up(region, Cluster(kubectl, region.machine.kubeconfig, namespace, region.addresses), shown.getvalue())
    finally:
        region.down(Steps())


def items(up: Up, kind: str, *selector: str) -> list[dict[str, object]]:
    """Every object of a kind, in all namespaces."""
    listed: list[dict[str, object]] = json.loads(up.cluster.kubectl("get", kind, "-A", "-o", "json", *selector))[
        "items"
    ]
    return listed


def test_the_user_is_told_last_what_is_left_out(up: Up) -> None:
    last = up.shown.rstrip().splitlines()[-1]
    for left_out in ("no container starts", "no NetworkPolicy is enforced", "no chat can be answered", "run as root"):
        assert left_out in last


def test_every_sandbox_becomes_a_pod_with_a_gpu_of_the_node(up: Up) -> None:
    agents = [(tenant.namespace, agent) for tenant in up.region.tenants() for agent in tenant.agents]
    wait = ("--for=condition=Ready", "--timeout=30s")
    for namespace, agent in agents:
        up.cluster.kubectl("wait", f"sandbox/{agent}", "-n", namespace, *wait)
    assert len(items(up, "sandboxes")) == len(agents) == 2
    found = {}
    for pod in json.loads(up.cluster.kubectl("get", "pods", "-A", "-l", labels.AGENT, "-o", "json"))["items"]:
        spec, meta = pod["spec"], pod["metadata"]
        gpus = [container["resources"]["limits"].get(GPU_RESOURCE) for container in spec["containers"]]
        found[meta["namespace"], meta["labels"][labels.AGENT]] = (spec["nodeName"], gpus)
    assert found == dict.fromkeys(agents, (up.region.addresses.node_name, ["1"]))


def test_more_gpus_than_the_node_has_are_not_given(up: Up) -> None:
    selector = f"{labels.ROLE}={labels.ROLE_GATEWAY}"
    pod = json.loads(up.cluster.kubectl("get", "pods", "-A", "-l", selector, "-o", "json"))["items"][0]
    pod["metadata"] = {"name": "greedy", "namespace": pod["metadata"]["namespace"]}
    for field in ("nodeName", "priorityClassName", "priority", "preemptionPolicy"):  # it may push no agent out
        del pod["spec"][field]
    wanted = {GPU_RESOURCE: "7"}  # two of the eight are taken
    for part in ("limits", "requests"):
        pod["spec"]["containers"][0]["resources"][part] |= wanted
    up.cluster.kubectl("create", "-f", "-", stdin=json.dumps(pod))
    namespace = pod["metadata"]["namespace"]
    try:
        unschedulable = "--for=condition=PodScheduled=false"
        up.cluster.kubectl("wait", "pod/greedy", "-n", namespace, unschedulable, "--timeout=30s")
    finally:
        up.cluster.kubectl("delete", "pod/greedy", "-n", namespace, "--wait=false")


def test_a_chat_is_refused_and_sent_nowhere(up: Up) -> None:
    assert "tunnel" not in {program.name for program in up.region.status().programs}
    with pytest.raises(ChatFailedError, match="answered 502"):
        list(up.region.chat())


def test_a_preview_shows_no_change(up: Up) -> None:
    assert {step["op"] for step in up.region.engine.preview_json()["steps"]} == {"same"}


def test_destroy_and_down_leave_nothing(up: Up) -> None:
    assert instance_processes(up.region.state)
    up.region.engine.destroy()
    assert items(up, "pods") == []
    assert items(up, "pv") == []
    up.region.down(Steps())
    assert instance_processes(up.region.state) == []
    assert not up.region.state.exists()
