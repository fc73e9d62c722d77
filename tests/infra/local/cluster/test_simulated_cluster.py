"""A cluster whose nodes are simulated: no root, no container, and pods are scheduled all the same."""

import shutil
from pathlib import Path

import pytest

from infra.local.cache import cache_root
from infra.local.cluster import disks
from infra.local.cluster.disks import Disk
from infra.local.machine import Machine
from infra.local.orphans import instance_processes
from infra.local.tools import Tools
from tests.infra.local.cluster.kubectl import Kubectl
from tests.infra.local.cluster.real.pods import MARKS, build_pod

SLOT = 8

pytestmark = MARKS


def test_simulated_nodes_need_no_root_and_schedule_pods(tmp_path: Path) -> None:
    machine = Machine(tmp_path / "state", SLOT, "simulated")
    machine.layout.state.mkdir()
    cluster = machine.cluster
    try:
        tools = Tools(cache_root()).ensure([*machine.tools, "kubectl"], print)
        cluster.start(tools, [], print)
        kubectl = Kubectl(tools["kubectl"], machine.kubeconfig)
        kubectl("wait", "--for=create", "serviceaccount/default", "--timeout=30s")
        pod = build_pod("two", "localhost/moltghost/never-pulled:1")
        pod["metadata"]["namespace"] = "default"
        kubectl.apply(pod)
        kubectl("wait", "--for=condition=Ready", "pod/two", "--timeout=60s")
    finally:
        cluster.remove()
    assert instance_processes(machine.layout.state) == []
    shutil.rmtree(machine.layout.state)


@pytest.mark.skipif(bool(disks.lacks()), reason=f"a disk needs root and loop devices: {disks.lacks()}")
def test_a_volume_in_use_does_not_outlive_its_cluster(tmp_path: Path) -> None:
    machine = Machine(tmp_path / "state", SLOT, "simulated")
    volume = Disk(machine.layout.volumes, "pvc-1")
    volume.make(16 << 20)
    assert volume.mount_point.is_mount()
    machine.cluster.remove()
    assert not volume.mount_point.is_mount()
    shutil.rmtree(machine.layout.state)
