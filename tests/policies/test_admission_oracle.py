"""The CEL of the Pod Security rules says of random pods what the API server's own admission code says."""

import json
import re
import subprocess
from collections import Counter
from collections.abc import Iterator
from typing import Any

import pytest

from policies.admission import policy_name
from policies.registry import RULES
from tests.infra.local.providers.control_plane import ControlPlane, tool
from tests.policies.admitting import TIMEOUT, admitting, ask
from tests.policies.cases.pods import NAMESPACE, with_spec
from tests.policies.random_pods import Pods
from tests.policies.test_pod_security import CONTROLS
from tests.waiting import eventually

TRIED = 900
JUDGED = 250
"""So many of them at least are pods a server takes; of the others it says what is wrong before any policy is asked."""
SELDOM = {"procMount", "procMount_restricted", "windowsHostProcess"}
"""What breaks these, a server takes only with what allows it, or with a host's network, which `Pods` seldom makes."""
RARE = 5


@pytest.fixture(scope="module")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ControlPlane]:
    with admitting(tmp_path_factory.mktemp("oracle")) as running:
        names = {policy_name(rule) for rule in RULES if rule.name in CONTROLS.values()}
        path = "/apis/admissionregistration.k8s.io/v1/validatingadmissionpolicies"
        assert names <= {each["metadata"]["name"] for each in running.object(path)["items"]}
        (bad,) = with_spec(hostPID=True, volumes=[{"name": "one", "hostPath": {"path": "/"}}])("bad")
        eventually(lambda: len(told(running, bad.inputs) or ()) >= 3, "the rules are asked", TIMEOUT)
        yield running


def told(cluster: ControlPlane, pod: Any) -> set[str] | None:
    """The policies that a pod breaks; None if the server finds it no pod."""
    answer = ask(cluster, pod)
    if answer.status_code == 422:
        return None
    assert answer.status_code in (201, 403), answer.text
    return {name for each in answer.headers.get_list("warning") for name in re.findall(r"Policy '(\S+)'", each)}


def asked(pod: dict[str, Any], at: int) -> dict[str, Any]:
    """A random pod in the form of a request, with what a server itself would add to it."""
    containers = {
        key: [{**each, "image": "one", "ports": _ports(each, pod["spec"])} for each in pod["spec"][key]]
        for key in ("containers", "initContainers")
        if key in pod["spec"]
    }
    spec = {**pod["spec"], **containers, "automountServiceAccountToken": False}
    spec.pop("ephemeralContainers", None)  # which join a pod only once it runs
    if "volumes" in spec:  # one without a source is given an emptyDir by the server
        spec["volumes"] = [each for each in spec["volumes"] if len(each) > 1]
    metadata = {**pod["metadata"], "name": f"random-{at}", "namespace": NAMESPACE}
    return {"apiVersion": "v1", "kind": "Pod", "metadata": metadata, "spec": spec}


def _ports(container: dict[str, Any], spec: dict[str, Any]) -> list[dict[str, Any]]:
    """In the node's network every port is one of the node."""
    shared = spec.get("hostNetwork", False)
    ports = container.get("ports", [])
    return [{**each, "hostPort": each["containerPort"]} if shared else each for each in ports]


def test_each_policy_refuses_what_its_check_refuses(cluster: ControlPlane) -> None:
    source = Pods(seed=11)
    pods = [asked(source.pod(), at) for at in range(TRIED)]
    lines = "\n".join(map(json.dumps, pods))
    done = subprocess.run([tool("pod-security")], input=lines, capture_output=True, text=True, check=True)
    refused: Counter[str] = Counter()
    judged = 0
    for pod, line in zip(pods, done.stdout.splitlines(), strict=True):
        broken = told(cluster, pod)
        if broken is None:
            continue
        judged += 1
        for check, allowed in json.loads(line).items():
            assert (f"moltghost-{CONTROLS[check]}" not in broken) == allowed, (check, pod["spec"], pod["metadata"])
            refused[check] += not allowed
    assert judged >= JUDGED
    assert {check for check in CONTROLS if refused[check] < RARE} <= SELDOM
