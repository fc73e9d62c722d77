"""Which way a tool comes, and that only a whole build of today's sources is ever taken."""

import json
import os
import shutil
import signal
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from infra.local import go_build, official, packages
from infra.local.catalogue import CATALOGUE
from infra.local.go_build import Builds, ToolError, build
from infra.local.tools import How, Tools
from tests.infra.local.fake_programs import builds, fake_go, install, printing


class Machine:
    """A PATH of the test's own with a few basics, and a cache."""

    def __init__(self, folder: Path) -> None:
        self.path = folder / "bin"
        self.tools = Tools(folder / "cache")
        self.said: list[str] = []
        self.path.mkdir()
        for basic in ("sh", "basename", "dirname", "chmod", "touch", "cat", "sleep", "mkfifo"):
            found = shutil.which(basic)
            assert found
            (self.path / basic).symlink_to(found)

    def ensure(self, *names: str) -> dict[str, Path]:
        return self.tools.ensure(names, self.said.append)


@pytest.fixture
def machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Machine:
    made = Machine(tmp_path)
    monkeypatch.setenv("PATH", str(made.path))
    monkeypatch.delenv(official.DOWNLOADS_VARIABLE, raising=False)
    monkeypatch.setattr(packages, "can_install", lambda: False)
    return made


def test_an_installed_program_of_a_fitting_version_is_used(machine: Machine) -> None:
    kubectl = install(machine.path, "kubectl", printing("Client Version: v1.37.0"))
    assert machine.ensure("kubectl") == {"kubectl": kubectl}
    assert machine.tools.resolve("kubectl").how is How.INSTALLED
    assert machine.said == []


@pytest.mark.parametrize(
    ("output", "reason"),
    [
        ("Client Version: v1.34.9", "older than 1.35"),
        ("Client Version: v1.38.0", "not below 1.38"),
        ("Client Version: v2.0.0", "not below 1.38"),
        ("no version here", "does not tell its version"),
    ],
)
def test_an_installed_program_that_does_not_fit_is_passed_over_and_named(
    machine: Machine, output: str, reason: str
) -> None:
    install(machine.path, "kubectl", printing(output))
    fake_go(machine.path)
    before = machine.tools.resolve("kubectl")
    assert before.how is How.TO_BUILD
    assert reason in before.note
    assert str(machine.path / "kubectl") in before.note
    assert machine.ensure("kubectl")["kubectl"].is_relative_to(machine.tools.cache)


def test_an_installed_program_that_fails_is_passed_over(machine: Machine) -> None:
    install(machine.path, "etcd", "#!/bin/sh\necho 'etcd Version: 3.7.2'\nexit 1\n")
    assert machine.tools.resolve("etcd").how is How.TO_BUILD


def test_pulumi_counts_as_installed_only_with_its_language_host(machine: Machine) -> None:
    install(machine.path, "pulumi", printing("v3.260.1"))
    assert "pulumi-language-python" in machine.tools.resolve("pulumi").note
    install(machine.path, "pulumi-language-python", "#!/bin/sh\n")
    assert machine.tools.resolve("pulumi").how is How.INSTALLED


def test_an_installed_ollama_never_stands_in_for_the_static_one(machine: Machine) -> None:
    install(machine.path, "ollama", printing("ollama version is 0.17.4"))
    assert machine.tools.resolve("ollama").how is How.TO_BUILD


def test_only_what_is_asked_for_is_built_in_one_build_a_toolchain(machine: Machine) -> None:
    log = fake_go(machine.path)
    paths = machine.ensure("kubectl", "kube-apiserver", "etcd")
    assert {name: path.name for name, path in paths.items()} == {
        "kubectl": "kubectl",
        "kube-apiserver": "kube-apiserver",
        "etcd": "etcd",
    }
    assert len(builds(log)) == 2
    assert "kubelet" not in log.read_text()
    assert all("-mod=readonly" in line and "-trimpath" in line for line in builds(log))
    assert subprocess.run([paths["etcd"]], capture_output=True, text=True, check=True).stdout == "built\n"


def test_a_second_run_builds_nothing_and_needs_no_go(machine: Machine) -> None:
    log = fake_go(machine.path)
    first = machine.ensure("etcd")
    (machine.path / "go").unlink()
    assert machine.ensure("etcd") == first
    assert len(builds(log)) == 1
    assert machine.tools.resolve("etcd").how is How.CACHED


def _truncate(folder: Path) -> None:
    (folder / "etcd").write_text("#!")


def _lose_stamp(folder: Path) -> None:
    (folder / ".etcd.json").unlink()


def _tear_stamp(folder: Path) -> None:
    (folder / ".etcd.json").write_text("{")


def _other_sources(folder: Path) -> None:
    stamp = json.loads((folder / ".etcd.json").read_text())
    (folder / ".etcd.json").write_text(json.dumps({**stamp, "inputs": "of another day"}))


def _lose_program(folder: Path) -> None:
    (folder / "etcd").unlink()


@pytest.mark.parametrize("harm", [_truncate, _lose_stamp, _tear_stamp, _other_sources, _lose_program])
def test_a_damaged_or_stale_build_is_made_again(machine: Machine, harm: object) -> None:
    log = fake_go(machine.path)
    built = machine.ensure("etcd")["etcd"]
    assert callable(harm)
    harm(built.parent)
    assert machine.tools.resolve("etcd").how is How.TO_BUILD
    machine.ensure("etcd")
    assert len(builds(log)) == 2
    assert subprocess.run([built], capture_output=True, text=True, check=True).stdout == "built\n"


def test_a_failed_build_leaves_nothing_and_says_the_compilers_last_words(machine: Machine) -> None:
    fake_go(machine.path, before='echo "main.go:7: undefined: thing" >&2; exit 1')
    with pytest.raises(ToolError, match=r"etcd v3\.7\.2 does not build \(exit status 1\):\n.*undefined: thing"):
        machine.ensure("etcd")
    assert [path.name for path in (machine.tools.cache / "etcd").rglob("*") if path.is_file()] == ["v3.7.2.lock"]


def test_remains_of_a_killed_build_are_cleared_away(machine: Machine) -> None:
    fake_go(machine.path)
    remains = machine.tools.cache / "etcd" / "v3.7.2" / ".build-killed"
    remains.mkdir(parents=True)
    (remains / "etcd").write_text("half")
    machine.ensure("etcd")
    assert not remains.exists()


def test_two_builders_of_one_tool_build_it_once(machine: Machine, tmp_path: Path) -> None:
    gate = tmp_path / "gate"
    os.mkfifo(gate)
    log = fake_go(machine.path, before=f"read line < {gate}")
    waiting = threading.Event()
    results: list[dict[str, Path]] = []

    def hear(line: str) -> None:
        if line.startswith("waiting for another process"):
            waiting.set()

    threads = [
        threading.Thread(target=lambda: results.append(Tools(machine.tools.cache).ensure(["etcd"], hear)))
        for _ in range(2)
    ]
    for thread in threads:
        thread.start()
    assert waiting.wait(20), "the second builder did not meet the first one's lock"
    gate.write_text("go\n")
    for thread in threads:
        thread.join(20)
    assert len(results) == 2
    assert len(builds(log)) == 1


def test_ctrl_c_ends_the_compiler_too(tmp_path: Path) -> None:
    path = tmp_path / "bin"
    started = tmp_path / "started"
    os.mkfifo(started)
    fake_go(path, before=f"echo $$ > {started}; exec sleep 600")
    program = "import signal, sys; from pathlib import Path; from infra.local.tools import Tools\n"
    # A suite run in the background has SIGINT ignored, and its children inherit that.
    program += "signal.signal(signal.SIGINT, signal.default_int_handler)\n"
    program += "Tools(Path(sys.argv[1])).ensure(['kubectl'], print)"
    environment = {**os.environ, "PATH": f"{path}:/usr/bin:/bin"}
    command = [sys.executable, "-c", program, str(tmp_path / "cache")]
    with subprocess.Popen(command, env=environment, stderr=subprocess.DEVNULL, stdout=subprocess.DEVNULL) as process:
        compiler = int(started.read_text())
        process.send_signal(signal.SIGINT)
        try:
            assert process.wait(20) != 0
        finally:
            process.kill()
    with pytest.raises(ProcessLookupError):
        os.kill(compiler, 0)


def test_no_compiler_is_started_once_they_are_stopped(machine: Machine, tmp_path: Path) -> None:
    """As by a Ctrl-C that comes just before."""
    log, stopped = fake_go(machine.path), Builds()
    build([CATALOGUE["kubectl"]], tmp_path, tmp_path, Builds())
    assert len(builds(log)) == 1
    stopped.stop()
    with pytest.raises(ToolError, match="stopped"):
        build([CATALOGUE["kubectl"]], tmp_path, tmp_path, stopped)
    assert len(builds(log)) == 1


def test_without_go_the_error_names_what_to_install(machine: Machine) -> None:
    with pytest.raises(ToolError, match=r"go is not on PATH, and etcd must be built: install Go 1\.26 or newer"):
        machine.ensure("etcd")


def test_a_go_too_old_is_refused_before_any_build(machine: Machine) -> None:
    install(machine.path, "go", "#!/bin/sh\necho 'go.mod requires go >= 1.26 (running go 1.20)' >&2\nexit 1\n")
    with pytest.raises(ToolError, match=r"running go 1\.20.*install Go 1\.26"):
        machine.ensure("etcd")


def test_without_a_cpp_compiler_the_error_names_its_package(machine: Machine) -> None:
    fake_go(machine.path)
    with pytest.raises(ToolError, match=r"g\+\+ is not on PATH, and ollama must be built"):
        machine.ensure("ollama")


def test_what_a_build_needs_of_debian_is_installed_first(machine: Machine, monkeypatch: pytest.MonkeyPatch) -> None:
    fake_go(machine.path)
    asked: list[str] = []
    monkeypatch.setattr(packages, "can_install", lambda: True)
    monkeypatch.setattr(packages, "ensure_packages", lambda names, _: asked.extend(names))
    machine.ensure("pause")
    assert asked == []
    with pytest.raises(ToolError):  # the packages were not really installed
        machine.ensure("ollama")
    assert asked == ["g++", "libstb-dev", "nlohmann-json3-dev"]


def test_an_unknown_tool_is_an_error_that_lists_the_known(machine: Machine) -> None:
    with pytest.raises(ToolError, match=r"no tool is called 'helm': choose from .*pulumi"):
        machine.ensure("helm")


def test_the_official_build_is_downloaded_only_when_asked_for(
    machine: Machine, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fetch(tool: object, cache: Path, progress: object) -> None:
        install(official.program(CATALOGUE["pulumi"], cache).parent, "pulumi", printing("official"))

    monkeypatch.setattr(official, "download", fetch)
    assert machine.tools.resolve("pulumi").how is How.TO_BUILD
    monkeypatch.setenv(official.DOWNLOADS_VARIABLE, "1")
    assert machine.tools.resolve("pulumi").how is How.TO_DOWNLOAD
    assert machine.tools.resolve("etcd").how is How.TO_BUILD
    path = machine.ensure("pulumi")["pulumi"]
    assert path.read_text() == printing("official")
    assert machine.tools.resolve("pulumi").how is How.DOWNLOADED


def test_a_refused_download_says_how_to_do_without(machine: Machine, monkeypatch: pytest.MonkeyPatch) -> None:
    from pulumi.automation import PulumiCommand

    def refuse(**_: object) -> None:
        raise OSError("network is unreachable")

    monkeypatch.setattr(PulumiCommand, "install", refuse)
    monkeypatch.setenv(official.DOWNLOADS_VARIABLE, "1")
    with pytest.raises(ToolError, match=r"network is unreachable.*unset MOLTGHOST_DOWNLOADS"):
        machine.ensure("pulumi")
    assert not official.program(CATALOGUE["pulumi"], machine.tools.cache).exists()


def test_what_belongs_beside_a_program_comes_with_it_and_is_missed_when_it_goes(
    machine: Machine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    log = fake_go(machine.path)
    source = install(tmp_path / "module" / "python" / "cmd", "pulumi-language-python-exec", printing("exec"))
    source.chmod(0o444)
    monkeypatch.setattr(go_build, "module_folder", lambda *_: tmp_path / "module")
    beside = machine.ensure("pulumi")["pulumi"].with_name("pulumi-language-python-exec")
    assert beside.read_text() == printing("exec")
    assert beside.stat().st_mode & 0o777 == 0o755
    beside.unlink()
    machine.ensure("pulumi")
    assert beside.exists()
    assert len(builds(log)) == 2
