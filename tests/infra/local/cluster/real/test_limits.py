"""A fork bomb ends at the pod's own limit: the node and a neighbour do not notice."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from infra.local.cluster.cgroups import hierarchies
from infra.local.cluster.kubelet import POD_PIDS
from infra.local.machine import Machine
from tests.infra.local.cluster.kubectl import Kubectl
from tests.infra.local.cluster.oci import Archive
from tests.infra.local.cluster.real.pods import MARKS, NAMESPACE, sleeping_pod

pytestmark = MARKS

TRIED = POD_PIDS + 50
BOMB = f"n=0; while [ $n -lt {TRIED} ]; do sleep 600 </dev/null >/dev/null 2>&1 & n=$((n+1)); done; echo started all"


@pytest.fixture
def bomb(kubectl: Kubectl, pods: dict[str, str], images: dict[str, Archive]) -> Iterator[str]:
    """A pod with memory enough for every process, so that only their number can end it."""
    pod = sleeping_pod("bomb", images["probe"].reference, {}, memory="512Mi")
    pod["spec"]["containers"][0]["resources"]["limits"]["cpu"] = "1"
    kubectl.apply(pod)
    kubectl("-n", NAMESPACE, "wait", "--for=condition=Ready", "pod/bomb", "--timeout=60s")
    yield kubectl.get("-n", NAMESPACE, "pod", "bomb")["metadata"]["uid"]
    kubectl("-n", NAMESPACE, "delete", "pod/bomb", "--wait=false")


def pids_group(machine: Machine, uid: str) -> Path:
    """The pod's folder in whichever hierarchy counts processes: one of its own in version 1, the only one in 2."""
    roots = hierarchies(Path("/proc/self/mounts").read_text())
    found = [group for root in roots for group in (root / machine.addresses.cgroup).rglob(f"pod{uid}")]
    (group,) = (group for group in found if (group / "pids.max").exists())
    return group


def test_a_fork_bomb_ends_in_its_own_pod(kubectl: Kubectl, machine: Machine, bomb: str) -> None:
    group = pids_group(machine, bomb)
    assert (group / "pids.max").read_text().strip() == str(POD_PIDS)
    done = kubectl.shell(NAMESPACE, "bomb", BOMB)
    assert "Resource temporarily unavailable" in done.stderr
    assert "started all" not in done.stdout
    assert int((group / "pids.current").read_text()) <= POD_PIDS
    assert kubectl.shell(NAMESPACE, "two", "sleep 0 & wait; echo well").stdout == "well\n"
    conditions = {one["type"]: one["status"] for one in kubectl.get("nodes")["items"][0]["status"]["conditions"]}
    assert (conditions["Ready"], conditions["PIDPressure"]) == ("True", "False")


def test_without_the_limit_it_would_not_end(kubectl: Kubectl, machine: Machine, bomb: str) -> None:
    (pids_group(machine, bomb) / "pids.max").write_text("max")
    assert kubectl.shell(NAMESPACE, "bomb", BOMB).stdout == "started all\n"
