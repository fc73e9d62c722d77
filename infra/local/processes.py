"""Long-running programs of the local region, kept alive by supervisord under the state folder.

supervisord detaches from the terminal that started it, so Ctrl-C there leaves its programs alone. Every process carries
the state folder in its environment (`MOLTGHOST_INSTANCE`); by that mark those are found whose supervisor was killed.
"""

import os
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from http.client import HTTPException
from pathlib import Path
from typing import Any
from xmlrpc.client import Fault

from supervisor.xmlrpc import Faults

from infra.local.orphans import INSTANCE_ENV, end_instance
from infra.local.supervisord import Program, Rpc, ignored, render_program, render_supervisor, socket_folder

FAILED_STATES = frozenset({"BACKOFF", "EXITED", "FATAL", "STOPPED", "UNKNOWN"})
INHERITED = ("HOME", "LANG", "LC_ALL", "TMPDIR", "USER")
SYSTEM_PATHS = ("/usr/local/sbin", "/usr/sbin", "/sbin")
"""Where the node's tools are, which not every user has on PATH."""
POLL_S = 0.05
LOG_TAIL_LINES = 15


class ProcessError(Exception):
    """A program could not be started; the message ends with the tail of its log."""


@dataclass(frozen=True)
class ProcessStatus:
    """What runs: `state` is supervisord's word in lower case (`running`, `backoff` …), `pid` is 0 when none."""

    name: str
    state: str
    pid: int
    log: Path
    address: str


class Processes:
    """The programs of one state folder. `launcher` is put before supervisord's own command line."""

    def __init__(self, state: Path, launcher: Sequence[str] = ()) -> None:
        self.state = state.resolve()
        self.folder = self.state / "supervisor"
        self.logs = self.state / "logs"
        self.launcher = tuple(launcher)
        self.socket = socket_folder(self.state) / "supervisor.sock"

    def start(self, programs: Iterable[Program]) -> None:
        """Start what doesn't run, restart what was changed, leave the rest alone, and wait until all are ready.

        Raises ProcessError as soon as one of them exits, or is not ready at its deadline.
        """
        wanted = list(programs)
        self.begin(wanted)
        self.await_ready(wanted)

    def begin(self, programs: Iterable[Program]) -> None:
        """Start without waiting: what doesn't run, and what was changed."""
        wanted = list(programs)
        self.ensure_supervisor()
        for program in wanted:
            self._write_section(program)
        with Rpc(self.socket) as rpc:
            _added, changed, _removed = rpc.reloadConfig()[0]
            for program in wanted:
                self._begin(rpc, program.name, program.name in changed)

    def await_ready(self, programs: Iterable[Program]) -> None:
        """Wait until all are ready. Raises ProcessError as `start` does."""
        with Rpc(self.socket) as rpc:
            for program in programs:
                self._await_ready(rpc, program)

    def stop(self, *names: str) -> None:
        """Stop programs, side by side, with their whole process groups, and forget them."""
        if self.alive():
            with Rpc(self.socket) as rpc:
                _stop(rpc, names)
                for name in names:
                    with ignored(Faults.BAD_NAME):
                        rpc.removeProcessGroup(name)
        for name in names:
            (self.folder / "programs" / f"{name}.conf").unlink(missing_ok=True)

    def status(self) -> list[ProcessStatus]:
        """Every known program, in the order of their names."""
        infos = {}
        if self.alive():
            with Rpc(self.socket) as rpc:
                infos = {info["name"]: info for info in rpc.getAllProcessInfo()}
        return [
            self._status(section, infos.get(section.stem, {}))
            for section in sorted((self.folder / "programs").glob("*.conf"))
        ]

    def alive(self) -> bool:
        """Whether the supervisor answers."""
        try:
            with Rpc(self.socket) as rpc:
                return bool(rpc.getState()["statename"] == "RUNNING")
        except (OSError, HTTPException, Fault):
            return False

    def supervisor_pid(self) -> int:
        """Pid of the running supervisor."""
        with Rpc(self.socket) as rpc:
            return int(rpc.getPID())

    def shutdown(self) -> None:
        """Stop every program and the supervisor, and end whatever is left of them."""
        if self.alive():
            with Rpc(self.socket) as rpc, suppress(OSError, HTTPException):
                _stop(rpc, [status.name for status in self.status()])
        end_instance(self.state)
        self.socket.unlink(missing_ok=True)
        if self.socket.parent != self.folder:
            shutil.rmtree(self.socket.parent, ignore_errors=True)

    def log(self, name: str) -> Path:
        """Where a program's output goes."""
        return self.logs / f"{name}.log"

    def ensure_supervisor(self) -> None:
        """Start the supervisor unless it answers; what an earlier one left running is ended first."""
        if self.alive():
            return
        end_instance(self.state)
        shutil.rmtree(self.folder, ignore_errors=True)
        for folder in (self.folder / "programs", self.logs, self.socket.parent):
            folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        self.socket.unlink(missing_ok=True)
        config = self.folder / "supervisord.conf"
        config.write_text(render_supervisor(self.folder, self.logs, self.socket))
        command = [*self.launcher, sys.executable, "-P", "-m", "supervisor.supervisord", "-c", str(config)]
        env = {**supervised_environment(os.environ), INSTANCE_ENV: str(self.state)}
        done = subprocess.run(
            command,
            env=env,
            start_new_session=True,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
        )
        deadline = time.monotonic() + 10
        while not self.alive():
            if done.returncode or time.monotonic() > deadline:
                raise ProcessError(f"supervisord did not start: {done.stdout}{done.stderr}")
            time.sleep(POLL_S)

    def _begin(self, rpc: Any, name: str, changed: bool) -> None:
        if changed:
            _stop(rpc, [name])
            rpc.removeProcessGroup(name)
        with ignored(Faults.ALREADY_ADDED):
            rpc.addProcessGroup(name)
        try:
            with ignored(Faults.ALREADY_STARTED):
                rpc.startProcess(name, False)
        except Fault as fault:
            raise ProcessError(f"{name} cannot be started: {fault.faultString}") from fault

    def _await_ready(self, rpc: Any, program: Program) -> None:
        deadline = time.monotonic() + program.deadline_s
        while True:
            state = rpc.getProcessInfo(program.name)["statename"]
            if state in FAILED_STATES:
                raise ProcessError(f"{program.name} has exited ({state.lower()}){self._tail(program.name)}")
            if state == "RUNNING" and _holds(program.ready):
                return
            if time.monotonic() > deadline:
                raise ProcessError(
                    f"{program.name} is not ready after {program.deadline_s:.0f} s{self._tail(program.name)}"
                )
            time.sleep(POLL_S)

    def _write_section(self, program: Program) -> None:
        path = self.folder / "programs" / f"{program.name}.conf"
        text = render_program(program, self.log(program.name))
        if not path.exists() or path.read_text() != text:
            path.touch(mode=0o600)
            path.write_text(text)

    def _status(self, section: Path, info: Mapping[str, Any]) -> ProcessStatus:
        address = section.read_text().partition("\n")[0].removeprefix("; ")
        state = str(info.get("statename", "stopped")).lower()
        return ProcessStatus(section.stem, state, int(info.get("pid", 0)), self.log(section.stem), address)

    def _tail(self, name: str) -> str:
        log = self.log(name)
        lines = log.read_text(errors="replace").splitlines() if log.exists() else []
        return "\n".join([f"; its log {log} ends with:", *(f"    {line}" for line in lines[-LOG_TAIL_LINES:])])


def supervised_environment(own: Mapping[str, str]) -> dict[str, str]:
    """What programs inherit of the caller's environment: no credentials, and no proxy, since they never leave."""
    kept = {name: own[name] for name in INHERITED if name in own}
    path = own.get("PATH", os.defpath).split(os.pathsep)
    return {**kept, "PATH": os.pathsep.join([*path, *(one for one in SYSTEM_PATHS if one not in path)])}


def _stop(rpc: Any, names: Sequence[str]) -> None:
    """Stop programs side by side and wait until their processes are gone (supervisord kills what lingers)."""
    for name in names:
        with ignored(Faults.NOT_RUNNING, Faults.BAD_NAME):
            rpc.stopProcess(name, False)
    while any(info["pid"] for info in rpc.getAllProcessInfo() if info["name"] in names):
        time.sleep(POLL_S)


def _holds(ready: Callable[[], bool]) -> bool:
    try:
        return ready()
    except Exception:
        return False
