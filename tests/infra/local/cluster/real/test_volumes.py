"""A claim's volume is as large as it claims: what is beyond is refused to its pod, and to no other."""

from pathlib import Path

from infra.local.machine import Machine
from tests.infra.local.cluster.kubectl import Kubectl
from tests.infra.local.cluster.oci import Archive
from tests.infra.local.cluster.real.pods import MARKS, NAMESPACE, build_claim, size_of, sleeping_pod

pytestmark = MARKS

MIB = 1 << 20
WRITE_32_MIB = "dd if=/dev/zero of=/data/big bs=1048576 count=32"


def test_a_pod_sees_the_claimed_size_and_owns_the_volume(
    kubectl: Kubectl, pods: dict[str, str], machine: Machine
) -> None:
    assert 0.95 < size_of(kubectl, "one", "/data") / (50 << 30) <= 1
    done = kubectl.shell(NAMESPACE, "one", "touch /data/file && stat -c %u /data/file && ls /data")
    assert done.stdout.split() == ["10001", "file"], done.stderr
    volume = kubectl.get("-n", NAMESPACE, "pvc", "data")["spec"]["volumeName"]
    disk = machine.layout.volumes / volume / "data" / "file"
    assert Path(f"/proc/{machine.cluster.processes.supervisor_pid()}/root{disk}").exists()
    assert not disk.exists(), "mounted for the node alone"


def test_a_full_volume_is_its_own_pods_trouble(
    kubectl: Kubectl, pods: dict[str, str], images: dict[str, Archive]
) -> None:
    source = {"persistentVolumeClaim": {"claimName": "small"}}
    kubectl.apply(
        build_claim("small", "16Mi"), sleeping_pod("small", images["probe"].reference, {"data": source}, memory="64Mi")
    )
    kubectl("-n", NAMESPACE, "wait", "--for=condition=Ready", "pod/small", "--timeout=60s")
    full = kubectl.shell(NAMESPACE, "small", WRITE_32_MIB)
    assert "No space left on device" in full.stderr
    assert 12 * MIB < int(kubectl.shell(NAMESPACE, "small", "stat -c %s /data/big").stdout) < 16 * MIB
    for other in ("one", "two"):  # a volume that is larger, and one that is none
        assert kubectl.shell(NAMESPACE, other, WRITE_32_MIB).returncode == 0
        kubectl.shell(NAMESPACE, other, "rm /data/big")
    kubectl("-n", NAMESPACE, "delete", "pod/small", "pvc/small")


def test_status_says_that_sizes_are_enforced(machine: Machine, pods: dict[str, str]) -> None:
    (caretaker,) = (one for one in machine.status() if one.name == "caretaker")
    assert caretaker.address == "volumes of the claimed size"
