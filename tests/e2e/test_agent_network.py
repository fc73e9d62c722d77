"""Which of an agent's ports is open to whom."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from components.cluster.spec import MONITORING_NAMESPACE
from components.hardening import restricted_container, restricted_namespace_labels, restricted_pod
from infra.local.cluster.control_plane import LOOPBACK
from runtime.contract import image, labels, paths, ports
from tests.e2e.conftest import Cluster, Customer, Targets
from tests.e2e.spare import create
from tests.waiting import eventually

pytestmark = pytest.mark.cluster


def every_port(cluster: Cluster, customer: Customer) -> Targets:
    """The agent's address with every port of the contract, and two that other programs like."""
    numbers = [value for name, value in vars(ports).items() if name.isupper()]
    return {str(number): (cluster.pod_ip(customer), number) for number in (*numbers, 22, 80)}


def test_only_the_door_is_open_to_a_gateway(cluster: Cluster, acme: Customer) -> None:
    found = cluster.reached(cluster.gateway_namespace, cluster.gateway_pod(), every_port(cluster, acme))
    assert [port for port, is_open in found.items() if is_open] == [str(ports.AGENT)]


def test_nothing_of_an_agent_is_open_to_another_tenant(cluster: Cluster, acme: Customer, globex: Customer) -> None:
    found = cluster.reached(globex.namespace, cluster.pod_name(globex), every_port(cluster, acme))
    assert not any(found.values())


@pytest.mark.parametrize("port", [ports.OPENCLAW, ports.OLLAMA])
def test_what_is_behind_the_door_listens_on_loopback_alone(cluster: Cluster, acme: Customer, port: int) -> None:
    targets = {"loopback": (LOOPBACK, port), "the pod's address": (cluster.pod_ip(acme), port)}
    found = cluster.reached(acme.namespace, cluster.pod_name(acme), targets)
    assert found == {"loopback": True, "the pod's address": False}


GET = """
import json, sys, urllib.request
with urllib.request.urlopen(sys.argv[1], timeout=5) as answer:
    print(json.dumps(answer.read().decode()))
"""


def test_the_monitoring_reads_metrics_and_reaches_no_door(cluster: Cluster, acme: Customer) -> None:
    address = cluster.pod_ip(acme)
    targets = {"door": (address, ports.AGENT), "metrics": (address, ports.AGENT_OPS)}
    with monitoring(cluster) as (prometheus, stranger):
        reached = eventually(
            lambda: found if (found := cluster.reached(MONITORING_NAMESPACE, prometheus, targets))["metrics"] else None,
            "the monitoring reaches the metrics",
        )
        assert reached == {"door": False, "metrics": True}
        url = f"http://{address}:{ports.AGENT_OPS}{paths.METRICS}"
        assert "moltghost_agent_requests_total" in cluster.python(MONITORING_NAMESPACE, prometheus, GET, url)
        assert cluster.reached(MONITORING_NAMESPACE, stranger, targets) == {"door": False, "metrics": False}


@contextmanager
def monitoring(cluster: Cluster) -> Iterator[tuple[str, str]]:
    """The monitoring's namespace, with a pod that is the monitoring and one that only lives there."""
    gateway = json.loads(
        cluster.kubectl("get", "pod", cluster.gateway_pod(), "-n", cluster.gateway_namespace, "-o", "json")
    )
    pods = [
        idle_pod(name, role, gateway["spec"]["containers"][0]["image"])
        for name, role in (("prometheus", labels.ROLE_MONITORING), ("stranger", labels.ROLE_SYSTEM))
    ]
    metadata = {"name": MONITORING_NAMESPACE, "labels": restricted_namespace_labels()}
    create(cluster, {"apiVersion": "v1", "kind": "Namespace", "metadata": metadata})
    try:
        account = ("serviceaccount/default", "-n", MONITORING_NAMESPACE)
        cluster.kubectl("wait", "--for=create", *account, "--timeout=30s")
        create(cluster, *pods)
        cluster.kubectl("wait", "--for=condition=Ready", "pod", "--all", "-n", MONITORING_NAMESPACE, "--timeout=60s")
        yield "prometheus", "stranger"
    finally:
        cluster.kubectl("delete", "namespace", MONITORING_NAMESPACE, "--wait=false")


def idle_pod(name: str, role: str, reference: str) -> dict[str, Any]:
    small = {"memory": "64Mi"}
    container = {
        "name": "idle",
        "image": reference,
        "command": ["python3", "-c", "import signal; signal.pause()"],
        "securityContext": restricted_container(),
        "resources": {"requests": small, "limits": small},
    }
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": name, "namespace": MONITORING_NAMESPACE, "labels": {labels.ROLE: role}},
        "spec": {**restricted_pod(image.UID), "containers": [container], "terminationGracePeriodSeconds": 0},
    }
