"""Programs are kept alive, restarted when changed, and really gone when stopped, whatever killed their supervisor."""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from infra.local.orphans import INSTANCE_ENV, end_instance, instance_processes
from infra.local.processes import ProcessError, Processes
from infra.local.supervisord import Program, render_program, socket_folder
from tests.waiting import eventually

SLEEPER = "import time; print('awake', flush=True); time.sleep(600)"


def python(code: str) -> tuple[str, ...]:
    return (sys.executable, "-c", code)


def sleeper(name: str = "sleeper", **more: object) -> Program:
    return Program(name, python(SLEEPER), **more)  # type: ignore[arg-type]


@pytest.fixture
def processes(tmp_path: Path) -> Iterator[Processes]:
    kept = Processes(tmp_path / "state")
    yield kept
    kept.shutdown()
    assert instance_processes(kept.state) == []
    assert not kept.socket.exists()


def pid_of(processes: Processes, name: str) -> int:
    return {status.name: status.pid for status in processes.status()}[name]


def test_an_unchanged_program_is_left_alone_and_a_changed_one_is_restarted(processes: Processes) -> None:
    processes.start([sleeper()])
    first = pid_of(processes, "sleeper")
    processes.start([sleeper()])
    assert pid_of(processes, "sleeper") == first
    processes.start([sleeper(env={"COLOUR": "50% red"})])
    second = pid_of(processes, "sleeper")
    assert second != first
    assert not psutil.pid_exists(first)
    assert psutil.Process(second).environ()["COLOUR"] == "50% red"


def test_a_changed_file_restarts_the_program_that_reads_it(processes: Processes, tmp_path: Path) -> None:
    config = tmp_path / "config"
    config.write_text("a")
    processes.start([sleeper(files=[config])])
    first = pid_of(processes, "sleeper")
    config.write_text("b")
    processes.start([sleeper(files=[config])])
    assert pid_of(processes, "sleeper") != first


def test_a_program_that_dies_comes_back(processes: Processes) -> None:
    processes.start([sleeper()])
    first = pid_of(processes, "sleeper")
    os.kill(first, signal.SIGKILL)
    eventually(lambda: pid_of(processes, "sleeper") not in (0, first), "it runs again")


def test_a_start_that_fails_says_why_at_once(processes: Processes) -> None:
    broken = Program("broken", python("import sys; sys.exit('no such colour')"), ready=lambda: False, deadline_s=60)
    with pytest.raises(ProcessError, match=r"(?s)broken has exited.*no such colour"):
        processes.start([broken])


def test_a_missing_program_is_named(processes: Processes) -> None:
    with pytest.raises(ProcessError, match="absent cannot be started"):
        processes.start([Program("absent", ["/nowhere/absent"])])


def test_a_program_that_never_gets_ready_is_an_error_at_its_deadline(processes: Processes) -> None:
    with pytest.raises(ProcessError, match=r"(?s)sleeper is not ready after 2 s.*awake"):
        processes.start([sleeper(ready=lambda: False, deadline_s=2)])


def test_stop_ends_the_whole_group_and_forgets_the_program(processes: Processes, tmp_path: Path) -> None:
    note = tmp_path / "child"
    code = (
        "import pathlib, subprocess, sys, time\n"
        "child = subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(600)'])\n"
        f"pathlib.Path({str(note)!r}).write_text(str(child.pid))\n"
        "time.sleep(600)\n"
    )
    script = tmp_path / "parent.py"
    script.write_text(code)
    processes.start([Program("parent", (sys.executable, str(script)), ready=lambda: bool(note.read_text()))])
    child = psutil.Process(int(note.read_text()))
    processes.stop("parent")
    eventually(lambda: not child.is_running() or child.status() == psutil.STATUS_ZOMBIE, "the child ends")
    assert processes.status() == []


def test_after_its_supervisor_was_killed_orphans_are_ended_and_all_starts_anew(processes: Processes) -> None:
    processes.start([sleeper()])
    orphan = pid_of(processes, "sleeper")
    os.kill(int((processes.folder / "supervisord.pid").read_text()), signal.SIGKILL)
    eventually(lambda: not processes.alive(), "the supervisor is dead")
    assert psutil.pid_exists(orphan)
    assert [status.state for status in processes.status()] == ["stopped"]
    processes.start([sleeper()])
    assert pid_of(processes, "sleeper") != orphan
    eventually(lambda: not psutil.pid_exists(orphan), "the orphan ends")


def test_ctrl_c_in_the_starting_terminal_leaves_programs_alone(processes: Processes) -> None:
    processes.start([sleeper()])
    supervisor = int((processes.folder / "supervisord.pid").read_text())
    assert os.getsid(supervisor) != os.getsid(0)
    assert os.getpgid(pid_of(processes, "sleeper")) != os.getpgid(0)


def test_two_state_folders_do_not_know_each_other(processes: Processes, tmp_path: Path) -> None:
    other = Processes(tmp_path / "other")
    processes.start([sleeper()])
    other.start([sleeper()])
    kept = pid_of(processes, "sleeper")
    other.shutdown()
    assert pid_of(processes, "sleeper") == kept


def test_end_instance_spares_other_processes(tmp_path: Path) -> None:
    env = {**os.environ, INSTANCE_ENV: str((tmp_path / "mine").resolve())}
    mine = subprocess.Popen(python(SLEEPER), env=env, stdout=subprocess.DEVNULL)
    other = subprocess.Popen(python(SLEEPER), stdout=subprocess.DEVNULL)
    try:
        eventually(lambda: instance_processes(tmp_path / "mine"), "it bears the mark")
        end_instance(tmp_path / "mine")
        assert mine.wait(5) is not None
        assert other.poll() is None
    finally:
        for process in (mine, other):
            process.kill()
            process.wait()


def test_status_names_the_log_and_the_address(processes: Processes) -> None:
    processes.start([sleeper(address="http://127.0.0.1:1")])
    (status,) = processes.status()
    assert (status.state, status.address) == ("running", "http://127.0.0.1:1")
    eventually(lambda: "awake" in status.log.read_text(), "its output is logged")


@pytest.mark.parametrize("argument", ["a ;b", "a #b", "a\nb"])
def test_an_argument_that_the_file_would_cut_is_refused(argument: str) -> None:
    with pytest.raises(ValueError, match="cannot be written"):
        render_program(Program("x", ["/bin/echo", argument]), Path("/log"))


def test_a_quote_in_the_environment_is_refused() -> None:
    with pytest.raises(ValueError, match="cannot be written"):
        render_program(Program("x", ["/bin/echo"], env={"A": 'b",C="d'}), Path("/log"))


def test_a_long_state_path_gets_its_sockets_elsewhere() -> None:
    long = Path("/tmp") / ("x" * 120)  # noqa: S108  # never made
    assert len(str(socket_folder(long))) < 100
    assert socket_folder(long) != socket_folder(long / "y")
    assert socket_folder(Path("/short")) == Path("/short/supervisor")
