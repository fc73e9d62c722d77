"""A program with troubles of its own: `troubled.py FOLDER NAME TOKEN`; `FOLDER/NAME.json` says which.

Keys: `die` (message: it ends with it at once), `lives` (so many starts don't die, none if absent), `deaths` (the last
start that dies, all if absent), `ends_after_s` (seconds after it was ready), `hang` (it never gets ready), `stubborn`
(it ignores SIGTERM), `says` (lines it writes), `starts` (kinds of processes it starts: see `KINDS`), `leaves_dead` (so
many orphans of each kind that end at once).
"""

import json
import os
import signal
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Program:
    """This program: where it notes what it does, what it is called, and what marks all it starts."""

    folder: Path
    name: str
    token: str

    def note(self, what: str) -> int:
        """Note our pid as `what`; how many did so far."""
        path = self.folder / f"{self.name}.{what}"
        with path.open("a") as out:
            out.write(f"{os.getpid()}\n")
        return len(path.read_text().splitlines())

    def idle(self) -> None:
        """Live on and ignore requests to end."""
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        self.note("left")
        while True:
            time.sleep(600)

    def lead(self) -> None:
        """Live on in a session of our own."""
        os.setsid()
        self.idle()

    def branch(self) -> None:
        """Live on, and have one that lives on."""
        forked(self.idle)
        self.idle()

    def bare(self) -> None:
        """Become a program that inherits nothing; only its arguments still tell whose it is."""
        self.note("left")
        code = "import time; time.sleep(600)"
        os.execve(sys.executable, [sys.executable, "-S", "-c", code, self.token], {})  # noqa: S606


def forked(work: Callable[[], None]) -> int:
    pid = os.fork()
    if pid == 0:
        work()
        os._exit(0)
    return pid


def orphan(work: Callable[[], None]) -> None:
    """Leave it to whoever gets orphans, in our own session."""

    def leave() -> None:
        forked(work)

    os.waitpid(forked(leave), 0)


def daemon(work: Callable[[], None]) -> None:
    """As daemons do: a session of its own, led by nobody that lives."""

    def lead() -> None:
        os.setsid()
        forked(work)

    os.waitpid(forked(lead), 0)


KINDS: dict[str, Callable[[Program], object]] = {
    "child": lambda program: forked(program.idle),
    "session": lambda program: forked(program.lead),
    "orphan": lambda program: orphan(program.idle),
    "bare-orphan": lambda program: orphan(program.bare),
    "daemon": lambda program: daemon(program.idle),
    "bare": lambda program: forked(program.bare),
    "bare-daemon": lambda program: daemon(program.bare),
    "tree": lambda program: daemon(program.branch),
}


def main(program: Program) -> None:
    plan = json.loads((program.folder / f"{program.name}.json").read_text())
    starts = program.note("starts")
    for line in plan.get("says", []):
        print(line, flush=True)  # noqa: T201  # its output is what is tested
    if "die" in plan and plan.get("lives", 0) < starts <= plan.get("deaths", starts):
        sys.exit(plan["die"])
    if plan.get("stubborn"):
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
    for kind in plan.get("starts", []):
        KINDS[kind](program)
    for _ in range(plan.get("leaves_dead", 0)):
        orphan(lambda: None)
        daemon(lambda: None)
    if not plan.get("hang"):
        program.note("ready")
    time.sleep(plan.get("ends_after_s", 600))
    sys.exit("enough")


if __name__ == "__main__":
    main(Program(Path(sys.argv[1]), sys.argv[2], sys.argv[3]))
