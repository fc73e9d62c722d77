"""A real cluster on a slot of its own: pods run, policies are enforced, volumes bind, and nothing is left behind."""

import json
import os
import shutil
import signal
import socket
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from components.cluster.spec import PLATFORM_NAMESPACE
from infra.local.cache import cache_root
from infra.local.cluster.cgroups import group_processes, hierarchies
from infra.local.cluster.cluster import Cluster
from infra.local.machine import GATEWAY_SERVICE, Machine, MachineInfo
from infra.local.orphans import instance_processes
from infra.local.packages import ensure_packages
from infra.local.tools import Tools
from tests.infra.local.cluster.kubectl import Kubectl
from tests.infra.local.cluster.oci import Archive, busybox_image
from tests.waiting import eventually

pytestmark = [
    pytest.mark.cluster,
    pytest.mark.timeout(600),
    pytest.mark.skipif(os.geteuid() != 0, reason="a real node needs root"),
    pytest.mark.xdist_group("real-cluster"),
]

SLOT = 7
NAMESPACE = "probe"
USER = {"runAsNonRoot": True, "runAsUser": 10001, "runAsGroup": 10001, "fsGroup": 10001}
SERVE = "echo hello > /tmp/index.html; exec httpd -f -p 8080 -h /tmp"


@pytest.fixture(scope="module")
def machine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Machine]:
    machine = Machine(tmp_path_factory.mktemp("machine") / "state", SLOT, "real")
    yield machine
    machine.down()


@pytest.fixture(scope="module")
def images(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Archive]:
    ensure_packages(["busybox-static"], print)
    folder = tmp_path_factory.mktemp("images")
    return {name: busybox_image(folder, name) for name in ("pause", "probe")}


@pytest.fixture(scope="module")
def tools(machine: Machine) -> dict[str, Path]:
    machine.ensure_packages(print)
    return Tools(cache_root()).ensure([*machine.tools, "kubectl"], print)


@pytest.fixture(scope="module")
def info(machine: Machine, tools: dict[str, Path], images: dict[str, Archive]) -> MachineInfo:
    return machine.up(tools, images, print)


@pytest.fixture(scope="module")
def kubectl(info: MachineInfo, tools: dict[str, Path]) -> Kubectl:
    return Kubectl(tools["kubectl"], info.kubeconfig)


@pytest.fixture(scope="module")
def pods(kubectl: Kubectl, images: dict[str, Archive]) -> dict[str, str]:
    """Two running pods under Pod Security `restricted`; their addresses by name."""
    labels = {"pod-security.kubernetes.io/enforce": "restricted"}
    kubectl.apply(
        {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": NAMESPACE, "labels": labels}},
        storage_class(),
    )
    kubectl("-n", NAMESPACE, "wait", "--for=create", "serviceaccount/default", "--timeout=30s")
    kubectl.apply(claim(), *(build_pod(name, images["probe"].reference) for name in ("one", "two")))
    kubectl("-n", NAMESPACE, "wait", "--for=condition=Ready", "pod/one", "pod/two", "--timeout=90s")
    return addresses(kubectl)


def addresses(kubectl: Kubectl) -> dict[str, str]:
    items = kubectl.get("-n", NAMESPACE, "pods")["items"]
    return {item["metadata"]["name"]: item["status"]["podIP"] for item in items}


def storage_class() -> dict[str, Any]:
    return {
        "apiVersion": "storage.k8s.io/v1",
        "kind": "StorageClass",
        "metadata": {"name": "local"},
        "provisioner": "moltghost.io/local-dir",
        "volumeBindingMode": "WaitForFirstConsumer",
        "reclaimPolicy": "Delete",
    }


def claim() -> dict[str, Any]:
    wanted = {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "50Gi"}}}
    return {
        "apiVersion": "v1",
        "kind": "PersistentVolumeClaim",
        "metadata": {"name": "data", "namespace": NAMESPACE},
        "spec": {"storageClassName": "local", **wanted},
    }


def build_pod(name: str, image: str) -> dict[str, Any]:
    """Pod `one` has the claim."""
    data = {"persistentVolumeClaim": {"claimName": "data"}} if name == "one" else {"emptyDir": {}}
    container = {
        "name": "main",
        "image": image,
        "imagePullPolicy": "IfNotPresent",
        "command": ["/bin/sh", "-c", SERVE],
        "securityContext": {
            "allowPrivilegeEscalation": False,
            "readOnlyRootFilesystem": True,
            "capabilities": {"drop": ["ALL"]},
        },
        "resources": {"limits": {"cpu": "100m", "memory": "32Mi", "nvidia.com/gpu": "1"}},
        "readinessProbe": {"httpGet": {"path": "/", "port": 8080}, "periodSeconds": 1},
        "volumeMounts": [{"name": "data", "mountPath": "/data"}, {"name": "tmp", "mountPath": "/tmp"}],  # noqa: S108  # in the pod
    }
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": name, "namespace": NAMESPACE, "labels": {"name": name}},
        "spec": {
            "automountServiceAccountToken": False,
            "terminationGracePeriodSeconds": 0,
            "securityContext": {**USER, "seccompProfile": {"type": "RuntimeDefault"}},
            "containers": [container],
            "volumes": [{"name": "data", **data}, {"name": "tmp", "emptyDir": {}}],
        },
    }


def reaches(kubectl: Kubectl, pod: str, host: str, port: int) -> bool:
    """Whether a pod gets a TCP connection."""
    return kubectl.shell(NAMESPACE, pod, f"nc -w 1 {host} {port} </dev/null").returncode == 0


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


def test_the_claim_is_bound_and_writable(kubectl: Kubectl, pods: dict[str, str], machine: Machine) -> None:
    done = kubectl.shell(NAMESPACE, "one", "touch /data/file && stat -c %u /data/file")
    assert done.stdout.strip() == "10001", done.stderr
    volume = kubectl.get("-n", NAMESPACE, "pvc", "data")["spec"]["volumeName"]
    assert (machine.layout.volumes / volume / "file").exists()


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


def test_the_tunnel_leads_to_the_gateways_pods(kubectl: Kubectl, images: dict[str, Archive], info: MachineInfo) -> None:
    meta = {"name": GATEWAY_SERVICE, "namespace": PLATFORM_NAMESPACE}
    kubectl.apply({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": PLATFORM_NAMESPACE}})
    kubectl("-n", PLATFORM_NAMESPACE, "wait", "--for=create", "serviceaccount/default", "--timeout=30s")
    pod = build_pod("two", images["probe"].reference)
    pod["metadata"]["namespace"] = PLATFORM_NAMESPACE
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


def test_it_recovers_from_the_death_of_its_supervisor(
    machine: Machine, tools: dict[str, Path], images: dict[str, Archive], kubectl: Kubectl, pods: dict[str, str]
) -> None:
    os.kill(machine.cluster.processes.supervisor_pid(), signal.SIGKILL)
    machine.up(tools, images, print)
    assert {status.state for status in machine.status()} == {"running"}

    def restarted() -> bool:
        items = kubectl.get("-n", NAMESPACE, "pods")["items"]
        statuses = [item["status"]["containerStatuses"][0] for item in items]
        return all(status["ready"] and status["restartCount"] == 1 for status in statuses)

    eventually(restarted, "both pods run again", 90)
    assert "file" in kubectl.shell(NAMESPACE, "one", "ls /data").stdout


def test_a_deleted_claim_takes_its_volume_and_folder_along(
    kubectl: Kubectl, pods: dict[str, str], machine: Machine
) -> None:
    kubectl("-n", NAMESPACE, "delete", "pod/one", "pvc/data")
    eventually(lambda: not kubectl.get("pv")["items"], "the volume is gone")
    assert list(machine.layout.volumes.iterdir()) == []


def test_down_leaves_nothing(machine: Machine, kubectl: Kubectl) -> None:
    machine.down()
    group = machine.addresses.cgroup
    assert instance_processes(machine.layout.state) == []
    assert group_processes(group) == set()
    assert not any((root / group).exists() for root in hierarchies(Path("/proc/self/mounts").read_text()))
    assert str(machine.layout.state) not in Path("/proc/self/mountinfo").read_text()
    assert not [path for path in Path("/run/netns").iterdir() if path.name.startswith(f"mg{SLOT}-")]
    assert f"mg{SLOT}-link" not in {name for _, name in socket.if_nameindex()}
    assert not machine.layout.state.exists()


def test_simulated_nodes_need_no_root_and_schedule_pods(
    tmp_path: Path, tools: dict[str, Path], images: dict[str, Archive]
) -> None:
    machine = Machine(tmp_path / "state", SLOT + 1, "simulated")
    machine.layout.state.mkdir()
    cluster: Cluster = machine.cluster
    try:
        cluster.start(Tools(cache_root()).ensure([*machine.tools, "kubectl"], print), [], print)
        kubectl = Kubectl(tools["kubectl"], machine.kubeconfig)
        kubectl("wait", "--for=create", "serviceaccount/default", "--timeout=30s")
        pod = build_pod("two", images["probe"].reference)
        pod["metadata"]["namespace"] = "default"
        kubectl.apply(pod)
        kubectl("wait", "--for=condition=Ready", "pod/two", "--timeout=60s")
    finally:
        cluster.remove()
    assert instance_processes(machine.layout.state) == []
    shutil.rmtree(machine.layout.state)
