"""The agent's pod before a real API server: accepted under Pod Security `restricted`; with any control off, refused."""

import copy
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from components.agent.manifests import build_pod, build_sandbox
from components.cluster.manifests import build_priority_classes, build_sandbox_definition
from components.hardening import POD_SECURITY_VERSION
from components.naming import CLAIM_TEMPLATE
from components.tenant.manifests import build_namespace, build_service_account
from runtime.contract import ports
from tests.components.specs import AGENT, CLUSTER, TENANT
from tests.infra.local.providers.control_plane import ControlPlane, control_plane, start, tool
from tests.waiting import eventually

Pod = dict[str, Any]
BASELINE = "baseline"
RESTRICTED = AGENT.namespace
SANDBOXES = f"/apis/agents.x-k8s.io/v1beta1/namespaces/{RESTRICTED}/sandboxes"


@dataclass(frozen=True)
class Mutant:
    """A pod that differs at one control of the Pod Security Standards, which are named as their documentation does.

    `restricted` is what the profile of that name says against it, `baseline` what the weaker one says; empty where that
    has nothing against it.
    """

    control: str
    change: Callable[[Pod], object]
    restricted: str
    baseline: str = ""


def context(pod: Pod) -> Any:
    """The security context of the pod's only container."""
    return container(pod)["securityContext"]


def container(pod: Pod) -> Any:
    (only,) = pod["containers"]
    return only


def be_host_process(pod: Pod) -> None:
    # The API takes a Windows host process in the host's network only.
    context(pod)["windowsOptions"] = {"hostProcess": True}
    pod["hostNetwork"] = True


def be_privileged(pod: Pod) -> None:
    # The API takes nobody for privileged who may not become more.
    context(pod).update(privileged=True, allowPrivilegeEscalation=True)


def unmask_proc(pod: Pod) -> None:
    # The API takes it in a user namespace of the pod's own only; there it is `restricted` alone that still minds.
    context(pod)["procMount"] = "Unmasked"
    pod["hostUsers"] = False


def be_maybe_root(pod: Pod) -> None:
    pod["securityContext"]["runAsNonRoot"] = False
    del context(pod)["runAsNonRoot"]


def mount(**source: Any) -> Callable[[Pod], object]:
    return lambda pod: pod["volumes"].append({"name": "more", **source})


MUTANTS = [
    Mutant("HostProcess", be_host_process, "hostProcess", "hostProcess"),
    Mutant("Host Namespaces", lambda pod: pod.update(hostNetwork=True), "hostNetwork=true", "hostNetwork=true"),
    Mutant("Host Namespaces", lambda pod: pod.update(hostPID=True), "hostPID=true", "hostPID=true"),
    Mutant("Host Namespaces", lambda pod: pod.update(hostIPC=True), "hostIPC=true", "hostIPC=true"),
    Mutant("Privileged Containers", be_privileged, "privileged", "privileged"),
    Mutant(
        "Capabilities (baseline)",
        lambda pod: context(pod)["capabilities"].update(add=["NET_ADMIN"]),
        'unrestricted capabilities (container "agent" must not include "NET_ADMIN"',
        "non-default capabilities",
    ),
    Mutant(
        "HostPath Volumes",
        mount(hostPath={"path": "/"}),
        'restricted volume types (volume "more" uses restricted volume type "hostPath")',
        "hostPath volumes",
    ),
    Mutant("Host Ports", lambda pod: container(pod)["ports"][0].update(hostPort=ports.AGENT), "hostPort", "hostPort"),
    Mutant(
        "Host Probes / Lifecycle Hooks",
        lambda pod: container(pod)["livenessProbe"]["httpGet"].update(host="169.254.169.254"),
        "probe or lifecycle host",
        "probe or lifecycle host",
    ),
    Mutant(
        "AppArmor",
        lambda pod: context(pod).update(appArmorProfile={"type": "Unconfined"}),
        "forbidden AppArmor profile",
        "forbidden AppArmor profile",
    ),
    Mutant(
        "SELinux",
        lambda pod: pod["securityContext"].update(seLinuxOptions={"type": "spc_t"}),
        "seLinuxOptions",
        "seLinuxOptions",
    ),
    Mutant("/proc Mount Type", unmask_proc, "procMount"),
    Mutant(
        "Seccomp (baseline)",
        lambda pod: context(pod).update(seccompProfile={"type": "Unconfined"}),
        "seccompProfile",
        "seccompProfile",
    ),
    Mutant(
        "Sysctls",
        lambda pod: pod["securityContext"].update(sysctls=[{"name": "kernel.msgmax", "value": "65536"}]),
        "forbidden sysctls (kernel.msgmax)",
        "forbidden sysctls (kernel.msgmax)",
    ),
    Mutant(
        "Volume Types",
        mount(nfs={"server": "198.51.100.7", "path": "/"}),
        'restricted volume types (volume "more" uses restricted volume type "nfs")',
    ),
    Mutant(
        "Privilege Escalation",
        lambda pod: context(pod).pop("allowPrivilegeEscalation"),
        "allowPrivilegeEscalation != false",
    ),
    Mutant("Running as Non-root", be_maybe_root, "runAsNonRoot != true"),
    Mutant("Running as Non-root user", lambda pod: pod["securityContext"].update(runAsUser=0), "runAsUser=0"),
    Mutant("Seccomp (restricted)", lambda pod: pod["securityContext"].pop("seccompProfile"), "seccompProfile"),
    Mutant(
        "Capabilities (restricted)",
        lambda pod: context(pod).update(capabilities={"drop": ["NET_RAW"]}),
        'unrestricted capabilities (container "agent" must set securityContext.capabilities.drop=["ALL"])',
    ),
]
each_mutant = pytest.mark.parametrize("mutant", MUTANTS, ids=lambda mutant: f"{mutant.control}, {mutant.restricted}")


def agent_pod() -> Pod:
    """The agent's pod as the controller of Sandboxes makes it of the template: its claim comes to it then."""
    pod = build_pod(AGENT)
    claim = {"name": CLAIM_TEMPLATE, "persistentVolumeClaim": {"claimName": f"{CLAIM_TEMPLATE}-{AGENT.name}"}}
    return {**copy.deepcopy(pod), "volumes": [*copy.deepcopy(pod["volumes"]), claim]}


def changed(mutant: Mutant) -> Pod:
    pod = agent_pod()
    mutant.change(pod)
    return pod


def create(cluster: ControlPlane, path: str, body: dict[str, Any]) -> None:
    cluster.http.post(path, json=body).raise_for_status()


@pytest.fixture(scope="module")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ControlPlane]:
    """An API server with the tenant's namespace as the platform declares it, and one of the `baseline` profile."""
    with control_plane(tmp_path_factory.mktemp("control-plane")) as running:
        for priority in build_priority_classes(CLUSTER):
            create(running, "/apis/scheduling.k8s.io/v1/priorityclasses", priority)
        for name, profile in ((RESTRICTED, None), (BASELINE, "baseline")):
            namespace = build_namespace(TENANT)
            namespace["metadata"]["name"] = name
            if profile:
                namespace["metadata"]["labels"]["pod-security.kubernetes.io/enforce"] = profile
            create(running, "/api/v1/namespaces", namespace)
            account = build_service_account(TENANT)
            account["metadata"]["namespace"] = name
            create(running, f"/api/v1/namespaces/{name}/serviceaccounts", account)
        yield running


def judged(cluster: ControlPlane, namespace: str, pod: Pod) -> tuple[int, str, list[str]]:
    """What the API server says to a pod it is only asked about: the status, its message and its warnings."""
    body = {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "asked"}, "spec": pod}
    answer = cluster.http.post(f"/api/v1/namespaces/{namespace}/pods", params={"dryRun": "All"}, json=body)
    return answer.status_code, answer.json().get("message", ""), answer.headers.get_list("warning")


def test_the_agents_pod_is_accepted_without_a_warning(cluster: ControlPlane) -> None:
    assert judged(cluster, RESTRICTED, agent_pod()) == (201, "", [])


@each_mutant
def test_a_change_at_any_control_is_refused_by_its_name(cluster: ControlPlane, mutant: Mutant) -> None:
    status, message, _ = judged(cluster, RESTRICTED, changed(mutant))
    assert status == 403
    profile, _, reasons = message.partition("violates PodSecurity ")[2].partition(": ")
    assert profile == f'"restricted:{POD_SECURITY_VERSION}"'
    assert mutant.restricted in reasons


@each_mutant
def test_only_controls_of_the_baseline_are_refused_there_too(cluster: ControlPlane, mutant: Mutant) -> None:
    """So a mutant departs where it says: those of the `restricted` profile alone pass under the weaker one."""
    status, message, _ = judged(cluster, BASELINE, changed(mutant))
    assert status == (403 if mutant.baseline else 201), message
    assert mutant.baseline in message


def test_there_is_a_mutant_of_each_of_the_18_controls() -> None:
    assert len({mutant.control for mutant in MUTANTS}) == 18


@pytest.fixture
def controller(cluster: ControlPlane, tmp_path: Path) -> Iterator[None]:
    """The real controller of Sandboxes, with the kind it watches."""
    program = tool("agent-sandbox-controller")
    create(cluster, "/apis/apiextensions.k8s.io/v1/customresourcedefinitions", build_sandbox_definition())
    eventually(lambda: cluster.http.get(SANDBOXES).is_success, "the API server serves Sandboxes")
    quiet = ["--leader-elect=false", "--enable-webhook=false", "--manage-webhook-certs=false"]
    nowhere = ["--metrics-bind-address=0", "--health-probe-bind-address=0"]
    running = start(tmp_path, "controller", [str(program), f"--kubeconfig={cluster.kubeconfig}", *quiet, *nowhere])
    yield
    running.kill()
    running.wait()


def why_not_ready(cluster: ControlPlane, sandbox: str) -> str:
    """What the controller says of a Sandbox it could make no pod of; nothing while it has said nothing."""
    conditions = cluster.object(f"{SANDBOXES}/{sandbox}").get("status", {}).get("conditions", [])
    return next((each["message"] for each in conditions if each["type"] == "Ready"), "")


@pytest.mark.usefixtures("controller")
def test_a_sandbox_whose_template_is_a_mutant_never_becomes_a_pod(cluster: ControlPlane) -> None:
    for number, mutant in enumerate(MUTANTS):
        sandbox = copy.deepcopy(build_sandbox(AGENT))
        sandbox["metadata"]["name"] = f"mutant-{number}"
        mutant.change(sandbox["spec"]["podTemplate"]["spec"])
        create(cluster, SANDBOXES, sandbox)
    create(cluster, SANDBOXES, build_sandbox(AGENT))

    for number, mutant in enumerate(MUTANTS):
        said = eventually(partial(why_not_ready, cluster, f"mutant-{number}"), f"mutant {number} is tried")
        assert "violates PodSecurity" in said, mutant.control
        assert mutant.restricted in said
    pods = f"/api/v1/namespaces/{RESTRICTED}/pods"
    eventually(lambda: cluster.object(pods)["items"], "the agent's own Sandbox becomes a pod")
    assert [pod["metadata"]["name"] for pod in cluster.object(pods)["items"]] == [AGENT.name]
