"""What a machine is for a user, and whom it refuses to disturb."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from infra.local.aws.eks.hosting import TOOLS
from infra.local.cluster.shell import MachineError, run
from infra.local.machine import RECORD, Machine, Mode, given_kubeconfig
from infra.local.orphans import INSTANCE_ENV, other_instances


@pytest.fixture(autouse=True)
def no_kubeconfig(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("KUBECONFIG", raising=False)


@pytest.fixture
def kubeconfig(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    path = tmp_path / "users-own"
    path.write_text("")
    monkeypatch.setenv("KUBECONFIG", f"{path}{os.pathsep}/another")
    return path


@pytest.mark.parametrize(("uid", "mode"), [(0, Mode.REAL), (1000, Mode.SIMULATED)])
def test_root_gets_a_real_node_and_others_a_simulated_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, uid: int, mode: Mode
) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: uid)
    machine = Machine(tmp_path / "state", 9)
    assert machine.mode is mode
    assert machine.runs_pods is (mode is Mode.REAL)
    assert ("kubelet" in machine.tools, "kwok" in machine.tools) == (mode is Mode.REAL, mode is not Mode.REAL)
    assert ("agent-sandbox-controller" in machine.tools) is (mode is Mode.SIMULATED)  # else it runs in its pod
    assert bool(machine.limits) is (mode is Mode.SIMULATED)


def test_a_users_own_cluster_is_taken(tmp_path: Path, kubeconfig: Path) -> None:
    machine = Machine(tmp_path / "state", 9)
    assert (machine.mode, machine.kubeconfig, machine.tools) == (Mode.GIVEN, kubeconfig, ())


def test_the_regions_own_kubeconfig_is_not_a_users_cluster(tmp_path: Path) -> None:
    own = tmp_path / "kubeconfig"
    own.write_text("")
    assert given_kubeconfig({"KUBECONFIG": str(own)}, tmp_path) is None
    assert given_kubeconfig({"KUBECONFIG": str(tmp_path / "absent")}, tmp_path / "state") is None
    assert given_kubeconfig({}, tmp_path) is None


def test_what_runs_already_decides(tmp_path: Path, kubeconfig: Path) -> None:
    (tmp_path / RECORD).write_text(json.dumps({"slot": 9, "mode": "simulated", "kubeconfig": None}))
    assert Machine(tmp_path, 9).mode is Mode.SIMULATED
    assert Machine(tmp_path, 9, "real").mode is Mode.REAL


def test_info_says_where_things_are(tmp_path: Path) -> None:
    info = Machine(tmp_path, 9, "real").info()
    assert (info.node_netns, info.world_netns) == ("mg9-node", "mg9-world")
    assert (info.aws_endpoint, info.edge_url) == ("http://127.0.0.1:20910", "http://127.0.0.1:20912")
    assert info.tunnel_source == "198.51.100.145/32"
    assert "169.254.169.254" in info.world_addresses
    assert Machine(tmp_path, 9, "simulated").info().node_netns is None


def test_clouds_alone_have_what_clusters_need_and_run_no_pod(tmp_path: Path) -> None:
    machine = Machine(tmp_path, 9, "clouds")
    assert set(TOOLS) <= set(machine.tools)
    assert not machine.runs_pods
    assert "no container starts" in machine.limits


@pytest.fixture
def other_region(tmp_path: Path) -> Iterator[Path]:
    """Another state folder of slot 9, with a living process."""
    state = tmp_path / "other"
    state.mkdir()
    (state / RECORD).write_text(json.dumps({"slot": 9, "mode": "real", "kubeconfig": None}))
    env = {**os.environ, INSTANCE_ENV: str(state)}
    process = subprocess.Popen([sys.executable, "-c", "input()"], env=env, stdin=subprocess.PIPE)
    try:
        while state not in other_instances(tmp_path):
            pass
        yield state
    finally:
        process.communicate(b"\n")


def test_a_slot_in_use_is_refused(tmp_path: Path, other_region: Path) -> None:
    with pytest.raises(MachineError, match=rf"slot: 9 is taken by the region in {other_region}"):
        Machine(tmp_path / "state", 9).up({}, {}, print)


def test_down_of_another_folder_leaves_a_slots_holder_alone(tmp_path: Path, other_region: Path) -> None:
    Machine(tmp_path / "state", 9).down()
    assert other_region in other_instances(tmp_path)


def test_a_state_folder_keeps_its_slot(tmp_path: Path) -> None:
    (tmp_path / RECORD).write_text(json.dumps({"slot": 8, "mode": "simulated", "kubeconfig": None}))
    with pytest.raises(MachineError, match=rf"slot: 9 is not that of the region in {tmp_path}: 8"):
        Machine(tmp_path, 9).down()


def test_two_commands_at_once_are_refused(tmp_path: Path) -> None:
    machine = Machine(tmp_path, 9, "simulated")
    with machine._lock(), pytest.raises(MachineError, match="another command is at work"):
        machine.down()


def test_down_of_nothing_leaves_nothing(tmp_path: Path) -> None:
    Machine(tmp_path / "state", 9, "simulated").down()
    assert not (tmp_path / "state").exists()


def test_down_spares_a_folder_that_is_not_a_regions(tmp_path: Path) -> None:
    (tmp_path / "thesis.txt").write_text("precious")
    Machine(tmp_path, 9, "simulated").down()
    assert [path.name for path in tmp_path.iterdir()] == ["thesis.txt"]


def test_a_failing_tool_is_quoted() -> None:
    with pytest.raises(MachineError, match=r"sh -c .* failed \(3\): no such colour"):
        run(["sh", "-c", "echo no such colour >&2; exit 3"])
    with pytest.raises(MachineError, match="/nowhere/tool is not installed"):
        run(["/nowhere/tool"])
