"""The doctor's report: what is ready, what comes by itself, what is missing and what that leaves out."""

import json
import os
from pathlib import Path

import pytest
from click.testing import CliRunner
from rich.console import Console

from infra.local import doctor as module
from infra.local.doctor import State, ToolReport, doctor, render, report
from tests.infra.local.fake_programs import fake_go, install, printing


@pytest.fixture
def machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The PATH of a machine that has a `go` and nothing else, for root."""
    path = tmp_path / "bin"
    fake_go(path)
    monkeypatch.setenv("PATH", f"{path}")
    monkeypatch.setenv("MOLTGHOST_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    install(path, "sh", '#!/bin/sh\nexec /bin/sh "$@"\n')
    return path


def found(reports: list[ToolReport], name: str) -> ToolReport:
    return next(each for each in reports if each.name == name)


def test_what_is_not_there_is_to_be_built(machine: Path, tmp_path: Path) -> None:
    kubelet = found(report(tmp_path), "kubelet")
    assert (kubelet.state, kubelet.version, kubelet.how) == (State.PENDING, "v1.36.3", "to be built")


def test_an_old_program_is_named_with_the_reason(machine: Path, tmp_path: Path) -> None:
    install(machine, "kubectl", printing("Client Version: v1.20.0"))
    assert "1.20.0 passed over: older than 1.35" in found(report(tmp_path), "kubectl").remedy


def test_a_containerd_that_cannot_mount_images_is_passed_over(machine: Path, tmp_path: Path) -> None:
    install(machine, "containerd", printing("containerd github.com/containerd/containerd 1.6.20~ds1 1.6.20~ds1-1"))
    assert "1.6.20 passed over: older than 2.1" in found(report(tmp_path), "containerd").remedy
    install(machine, "containerd", printing("containerd github.com/containerd/containerd/v2 v2.1.4 75cb2b7"))
    taken = found(report(tmp_path), "containerd")
    assert (taken.state, taken.version) == (State.READY, "2.1.4")


def test_without_go_what_is_to_be_built_is_left_out(machine: Path, tmp_path: Path) -> None:
    (machine / "go").unlink()
    go = found(report(tmp_path), "go")
    assert go.state is State.MISSING
    assert "install Go 1.26" in go.remedy


def test_without_root_the_report_is_of_simulated_nodes(
    machine: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    reports = report(tmp_path)
    names = {each.name for each in reports}
    assert "kwok" in names
    assert not names & {"kubelet", "containerd", "ollama", "kube-router"}
    assert "NetworkPolicy is not enforced" in found(reports, "root").leaves_out


def test_without_apt_missing_packages_are_for_the_user_to_install(machine: Path, tmp_path: Path) -> None:
    pods = found(report(tmp_path), "packages for pods")
    assert pods.state is State.MISSING
    assert "runc" in pods.remedy


def test_with_apt_they_come_by_themselves(machine: Path, tmp_path: Path) -> None:
    install(machine, "apt-get", printing(""))
    assert found(report(tmp_path), "packages for pods").state is State.PENDING


@pytest.mark.parametrize(
    ("made", "state", "version"),
    [("cgroup.controllers", State.READY, "v2"), ("memory/", State.READY, "v1"), ("", State.MISSING, "")],
)
def test_control_groups_of_either_version_will_do(tmp_path: Path, made: str, state: State, version: str) -> None:
    if made.endswith("/"):
        (tmp_path / made).mkdir()
    elif made:
        (tmp_path / made).touch()
    each = module._control_groups(tmp_path)
    assert (each.state, each.version) == (state, version)


@pytest.mark.parametrize(("there", "state"), [(True, State.READY), (False, State.MISSING)])
def test_without_loop_devices_no_claims_size_is_enforced(
    machine: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, there: bool, state: State
) -> None:
    control = tmp_path / "loop-control"
    if there:
        control.touch()
    monkeypatch.setattr(module, "LOOP_CONTROL", control)
    loops = found(report(tmp_path), "loop devices")
    assert loops.state is state
    assert bool(loops.leaves_out) is not there


def test_json_is_for_programs_and_the_exit_status_tells(machine: Path) -> None:
    result = CliRunner().invoke(doctor, ["--json"])
    reports = json.loads(result.output)
    assert result.exit_code == 1
    assert {"name", "state", "version", "how", "remedy", "leaves_out"} == set(reports[0])
    assert any(each["state"] == "missing" and each["leaves_out"] for each in reports)


def test_a_person_reads_the_remedy_of_what_is_missing(tmp_path: Path) -> None:
    console = Console(record=True, width=120, file=(tmp_path / "out").open("w"))
    with console.file:
        render(
            [ToolReport("go", State.MISSING, "", "", "install Go 1.26 or newer", "what is built from source")], console
        )
    text = console.export_text()
    assert "go is missing: install Go 1.26 or newer. Without it: what is built from source." in text
