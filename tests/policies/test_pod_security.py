"""The 19 controls of Pod Security against the API server's own admission code, on pods made at random."""

import json
import subprocess
from collections import Counter
from collections.abc import Sequence
from typing import Any

import pytest

from policies.record import Resource
from policies.registry import RULES
from tests.infra.local.providers.control_plane import tool
from tests.policies.random_pods import Pods
from tests.policies.resources import kubernetes

CONTROLS = {
    "allowPrivilegeEscalation": "pod-gains-no-privilege",
    "appArmorProfile": "pod-keeps-its-apparmor-profile",
    "capabilities_baseline": "pod-adds-only-default-capabilities",
    "capabilities_restricted": "pod-drops-all-capabilities",
    "hostNamespaces": "pod-shares-no-host-namespace",
    "hostPathVolumes": "pod-mounts-no-host-path",
    "hostPorts": "pod-opens-no-host-port",
    "hostProbesAndHostLifecycle": "pod-probes-itself-only",
    "privileged": "pod-is-not-privileged",
    "procMount": "pod-unmasks-proc-only-as-nobody",
    "procMount_restricted": "pod-masks-proc",
    "restrictedVolumes": "pod-mounts-plain-volumes-only",
    "runAsNonRoot": "pod-runs-as-nonroot",
    "runAsUser": "pod-user-is-not-root",
    "seLinuxOptions": "pod-keeps-its-selinux-type",
    "seccompProfile_baseline": "pod-lifts-no-seccomp-profile",
    "seccompProfile_restricted": "pod-has-a-seccomp-profile",
    "sysctls": "pod-sets-safe-sysctls-only",
    "windowsHostProcess": "pod-runs-no-windows-host-process",
}
"""Our rule for each check of k8s.io/pod-security-admission."""
PODS = 4000
RARE = 80
"""A check that is broken or kept by fewer of them would be tested by luck."""


@pytest.fixture(scope="module")
def pods() -> list[dict[str, Any]]:
    source = Pods(seed=7)
    return [source.pod() for _ in range(PODS)]


@pytest.fixture(scope="module")
def oracle(pods: list[dict[str, Any]]) -> list[dict[str, bool]]:
    """What the admission's own code says: for each pod, which checks allow it."""
    lines = "\n".join(map(json.dumps, pods))
    done = subprocess.run([tool("pod-security")], input=lines, capture_output=True, text=True, check=True)
    return [json.loads(line) for line in done.stdout.splitlines()]


def declared(pod: dict[str, Any]) -> Resource:
    metadata = {**pod["metadata"], "name": "one", "namespace": "some"}
    return kubernetes({"apiVersion": "v1", "kind": "Pod", "metadata": metadata, "spec": pod["spec"]})


def test_every_check_of_the_admission_has_a_rule_and_each_rule_says_so(oracle: list[dict[str, bool]]) -> None:
    assert set(oracle[0]) == set(CONTROLS)
    of_pod_security = {rule.name for rule in RULES if any(each.startswith("PSS ") for each in rule.controls)}
    assert set(CONTROLS.values()) <= of_pod_security


@pytest.mark.parametrize("check", CONTROLS)
def test_a_rule_says_what_the_admission_says(
    check: str, pods: Sequence[dict[str, Any]], oracle: Sequence[dict[str, bool]]
) -> None:
    (rule,) = [each for each in RULES if each.name == CONTROLS[check]]
    assert rule.check is not None
    seen: Counter[bool] = Counter()
    for pod, allowed in zip(pods, oracle, strict=True):
        findings = list(rule.check(declared(pod)))
        assert (not findings) == allowed[check], (pod, findings)
        seen[allowed[check]] += 1
    assert min(seen[True], seen[False]) >= RARE
