"""A real cluster: pods run, policies are enforced, volumes bind, the tunnel leads to pods."""

import json
import socket
import subprocess
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from components.cluster.spec import PLATFORM_NAMESPACE
from infra.local.machine import GATEWAY_SERVICE, Machine, MachineInfo
from tests.infra.local.cluster.kubectl import Kubectl
from tests.infra.local.cluster.oci import Archive
from tests.infra.local.cluster.real.pods import MARKS, NAMESPACE, build_pod, reaches
from tests.waiting import eventually

pytestmark = MARKS


def test_the_node_has_gpus_of_its_class(kubectl: Kubectl) -> None:
    (node,) = kubectl.get("nodes")["items"]
    assert node["status"]["allocatable"]["nvidia.com/gpu"] == "8"
    assert node["metadata"]["labels"]["moltghost.io/gpu-class"] == "l40s"


def test_a_restricted_pod_runs_as_the_images_user(kubectl: Kubectl, pods: dict[str, str]) -> None:
    done = kubectl.shell(NAMESPACE, "one", "id; cat /etc/resolv.conf; touch /x")
    assert "uid=10001 gid=10001" in done.stdout
    assert "nameserver" not in done.stdout
    assert "Read-only file system" in done.stderr


def test_a_pod_that_is_not_restricted_is_refused(kubectl: Kubectl, images: dict[str, Archive]) -> None:
    pod = build_pod("rogue", images["probe"].reference)
    pod["spec"]["containers"][0]["securityContext"]["privileged"] = True
    refused = kubectl.attempt("apply", "-f", "-", stdin=json.dumps(pod))
    assert "violates PodSecurity" in refused.stderr or "privileged" in refused.stderr
    assert refused.returncode != 0


def test_the_kubernetes_service_is_reached_from_a_pod(kubectl: Kubectl, pods: dict[str, str]) -> None:
    service = kubectl.get("service", "kubernetes")["spec"]["clusterIP"]
    assert reaches(kubectl, "one", service, 443)


def test_the_host_reaches_a_pod(pods: dict[str, str]) -> None:
    assert httpx.get(f"http://{pods['one']}:8080", timeout=5, trust_env=False).text == "hello\n"


def test_pods_reach_the_world_that_is_played_and_no_other(
    kubectl: Kubectl, pods: dict[str, str], machine: Machine, info: MachineInfo
) -> None:
    assert "169.254.169.254" in info.world_addresses
    command = machine.in_world(
        ["/bin/busybox", "httpd", "-f", "-p", "169.254.169.254:80", "-h", str(machine.layout.state)]
    )
    with subprocess.Popen(command) as listener:
        eventually(lambda: reaches(kubectl, "one", "169.254.169.254", 80), "the world answers")
        listener.kill()
    assert not reaches(kubectl, "one", "192.0.2.1", 53)
    for inside in (machine.in_node, machine.in_world):
        route = subprocess.run(inside(["ip", "route", "get", "192.0.2.1"]), capture_output=True, text=True, check=False)
        assert "Network is unreachable" in route.stderr


def test_a_policy_denies_between_pods_of_one_node_until_it_is_removed(kubectl: Kubectl, pods: dict[str, str]) -> None:
    assert reaches(kubectl, "two", pods["one"], 8080)
    selector = {"podSelector": {"matchLabels": {"name": "one"}}, "policyTypes": ["Ingress", "Egress"]}
    meta = {"name": "deny", "namespace": NAMESPACE}
    kubectl.apply({"apiVersion": "networking.k8s.io/v1", "kind": "NetworkPolicy", "metadata": meta, "spec": selector})
    eventually(lambda: not reaches(kubectl, "two", pods["one"], 8080), "ingress is denied")
    eventually(lambda: not reaches(kubectl, "one", pods["two"], 8080), "egress is denied")
    with pytest.raises(OSError, match=r"refused|timed out"):  # an ICMP answer is not sent each time
        socket.create_connection((pods["one"], 8080), 1)
    kubectl("-n", NAMESPACE, "delete", "networkpolicy", "deny")
    eventually(lambda: reaches(kubectl, "two", pods["one"], 8080), "ingress is allowed again")
    eventually(lambda: reaches(kubectl, "one", pods["two"], 8080), "egress is allowed again")


@pytest.fixture
def gateways_namespace(kubectl: Kubectl) -> Iterator[str]:
    """Where gateways live, without their policies: taken away again, so that no later test finds it open."""
    kubectl.apply({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": PLATFORM_NAMESPACE}})
    kubectl("-n", PLATFORM_NAMESPACE, "wait", "--for=create", "serviceaccount/default", "--timeout=30s")
    yield PLATFORM_NAMESPACE
    kubectl("delete", "namespace", PLATFORM_NAMESPACE, "--timeout=120s")


def test_the_tunnel_leads_to_the_gateways_pods(
    kubectl: Kubectl, images: dict[str, Archive], info: MachineInfo, gateways_namespace: str
) -> None:
    meta = {"name": GATEWAY_SERVICE, "namespace": gateways_namespace}
    pod = build_pod("two", images["probe"].reference)
    pod["metadata"]["namespace"] = gateways_namespace
    service = {"selector": {"name": "two"}, "ports": [{"name": "http", "port": 80, "targetPort": 8080}]}
    kubectl.apply({"apiVersion": "v1", "kind": "Service", "metadata": meta, "spec": service}, pod)

    def ask() -> tuple[int, str]:
        answer = httpx.get(info.gateway_origin, timeout=5, trust_env=False)
        return answer.status_code, answer.text

    assert ask()[0] == 502, "no pod is ready yet"
    eventually(lambda: ask() == (200, "hello\n"), "the pod answers through the tunnel", 60)


def test_up_again_changes_nothing(
    machine: Machine, tools: dict[str, Path], images: dict[str, Archive], kubectl: Kubectl
) -> None:
    before = {status.name: status.pid for status in machine.status()}
    machine.up(tools, images, print)
    assert {status.name: status.pid for status in machine.status()} == before
