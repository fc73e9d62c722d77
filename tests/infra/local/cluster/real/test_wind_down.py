"""What ends the cluster, wholly or in part; the last of this folder by its name."""

import os
import signal
import socket
from pathlib import Path

from infra.local.cluster.cgroups import group_processes, hierarchies
from infra.local.machine import Machine
from infra.local.orphans import instance_processes
from tests.infra.local.cluster.kubectl import Kubectl
from tests.infra.local.cluster.oci import Archive
from tests.infra.local.cluster.real.conftest import SLOT
from tests.infra.local.cluster.real.pods import MARKS, NAMESPACE, size_of
from tests.waiting import eventually

pytestmark = MARKS


def test_it_recovers_from_the_death_of_its_supervisor(
    machine: Machine, tools: dict[str, Path], images: dict[str, Archive], kubectl: Kubectl, pods: dict[str, str]
) -> None:
    kubectl.shell(NAMESPACE, "one", "echo before > /data/file")
    os.kill(machine.cluster.processes.supervisor_pid(), signal.SIGKILL)
    machine.up(tools, images, print)
    assert {status.state for status in machine.status()} == {"running"}

    def restarted() -> bool:
        items = kubectl.get("-n", NAMESPACE, "pods")["items"]
        statuses = [item["status"]["containerStatuses"][0] for item in items]
        return all(status["ready"] and status["restartCount"] == 1 for status in statuses)

    eventually(restarted, "both pods run again", 90)
    assert kubectl.shell(NAMESPACE, "one", "cat /data/file").stdout == "before\n"
    assert size_of(kubectl, "one", "/data") > 48 << 30, "its own disk, not the folder it is mounted on"


def test_a_deleted_claim_takes_its_volume_and_disk_along(
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
    eventually(lambda: not loops_under(machine.layout.state), "no loop device holds a volume")


def loops_under(folder: Path) -> list[str]:
    files = [path.read_text() for path in Path("/sys/block").glob("loop*/loop/backing_file")]
    return [file for file in files if file.startswith(str(folder))]
