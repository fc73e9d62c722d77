"""Two revisions of the project, each in a git worktree of its own, each asked by its own code."""

import json
import os
import secrets
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from infra.synth.diff.report import Usage
from infra.synth.model import Stack, from_json
from infra.synth.pool import cores

EDGE = Path("workers") / "edge"
_LOCK, _MODULES, _BUILT = "package-lock.json", "node_modules", Path("dist") / "index.js"
_CEILINGS = "ceilings"
_ENVIRONMENT = {"PYTHONDONTWRITEBYTECODE": "1"}


class RevisionError(Exception):
    """A revision cannot be recorded: which one, and why."""


@dataclass(frozen=True)
class Recorded:
    """What a revision's own code declares."""

    name: str
    stacks: Mapping[str, Stack]
    usage: Usage


def record_both(
    project: Path, base: str, head: str | None, stacks: Sequence[str] | None, folder: str | None = None
) -> tuple[Recorded, Recorded]:
    """Record two revisions side by side; secrets are hashed with one key, which is forgotten afterwards.

    `head` None: what the working tree has, files git doesn't know left out. `folder`: where in the project the stack
    files are. Raises RevisionError.
    """
    names = (base, head or "the working tree")
    commits = [_commit(project, base), _commit(project, head) if head else working_tree(project)]
    key = secrets.token_hex(32)
    jobs = max(1, cores() // 2)
    with (
        tempfile.TemporaryDirectory(prefix="moltghost-diff-") as scratch,
        _worktree(project, commits[0], Path(scratch) / "base") as one,
        _worktree(project, commits[1], Path(scratch) / "head") as other,
    ):
        asked = [
            _Asked(name, tree, project, folder, stacks, key, jobs)
            for name, tree in zip(names, (one, other), strict=True)
        ]
        for each in asked:
            each.prepare()
        told = _answers(asked)
    return told[0], told[1]


def _answers(asked: Sequence["_Asked"]) -> list[Recorded]:
    """What all answer, asked side by side; where one fails, the others are stopped."""
    running = [each.start() for each in asked]
    try:
        return [each.wait(process) for each, process in zip(asked, running, strict=True)]
    finally:
        for process in running:
            if process.poll() is None:
                process.kill()
            process.wait()


def working_tree(project: Path) -> str:
    """A commit of what the working tree has now, on no branch; HEAD where it has nothing of its own."""
    return _git(project, "stash", "create").strip() or _commit(project, "HEAD")


def _commit(project: Path, revision: str) -> str:
    return _git(project, "rev-parse", "--verify", "--end-of-options", f"{revision}^{{commit}}").strip()


@contextmanager
def _worktree(project: Path, commit: str, folder: Path) -> Iterator[Path]:
    _git(project, "worktree", "add", "--detach", "--quiet", str(folder), commit)
    try:
        yield folder
    finally:
        _git(project, "worktree", "remove", "--force", str(folder))


@dataclass(frozen=True)
class _Asked:
    """One revision in its worktree, and what it is asked for."""

    name: str
    tree: Path
    project: Path
    folder: str | None
    stacks: Sequence[str] | None
    key: str
    jobs: int

    @property
    def out(self) -> Path:
        return self.tree.with_name(f"{self.tree.name}-records")

    @property
    def said(self) -> Path:
        """Where its errors go."""
        return self.tree.with_name(f"{self.tree.name}-errors")

    def prepare(self) -> None:
        """Make what the revision's code needs. Raises RevisionError if it can't be asked at all."""
        if not (self.tree / "infra" / "synth" / "revision.py").exists():
            raise RevisionError(f"{self.name}: its code cannot record stacks yet: compare with a later revision")
        build_worker(self.tree / EDGE, self.project / EDGE)
        self.out.mkdir()

    def start(self) -> "subprocess.Popen[bytes]":
        """Run the revision's own code. Its environment holds no credential, nor where one could be found."""
        request = self.tree.with_name(f"{self.tree.name}-request.json")
        folder = self.tree if self.folder is None else self.tree / self.folder
        asked = {"folder": str(folder), "stacks": self.stacks, "key": self.key, "jobs": self.jobs, "out": str(self.out)}
        request.write_text(json.dumps(asked))
        with self.said.open("w") as said:
            return subprocess.Popen(
                [sys.executable, "-m", "infra.synth.revision", str(request)],
                cwd=self.tree,
                env={**_ENVIRONMENT, "PATH": os.environ.get("PATH", os.defpath), "PYTHONPATH": str(self.tree)},
                stdout=subprocess.DEVNULL,
                stderr=said,
            )

    def wait(self, process: "subprocess.Popen[bytes]") -> Recorded:
        """What it answered. Raises RevisionError with what it said if it failed."""
        if process.wait():
            raise RevisionError(f"{self.name}: {self.said.read_text().strip()}")
        records = {file.stem: from_json(file.read_text()) for file in self.out.glob("*.json")}
        return Recorded(self.name, records, json.loads((self.out / _CEILINGS).read_text()))


def build_worker(edge: Path, installed: Path) -> None:
    """Build a revision's Worker, with the packages installed in the project where the revision's lock file is the same.

    Raises RevisionError if it does not build.
    """
    if not (edge / _LOCK).exists():
        return
    same = (installed / _LOCK).exists() and (installed / _LOCK).read_bytes() == (edge / _LOCK).read_bytes()
    npm = shutil.which("npm")
    if npm is None:
        raise RevisionError("the Worker cannot be built: there is no npm; `make setup` says how to get it")
    if same and (installed / _MODULES).is_dir():
        (edge / _MODULES).symlink_to((installed / _MODULES).resolve())
    else:
        _built([npm, "ci", "--silent", "--ignore-scripts"], edge)
    _built([npm, "run", "--silent", "build"], edge)


def _built(command: Sequence[str], folder: Path) -> None:
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    if done.returncode:
        raise RevisionError(f"the Worker cannot be built: {' '.join(command[1:])}: {done.stderr.strip()}")


def _git(project: Path, *arguments: str) -> str:
    done = subprocess.run(["git", *arguments], cwd=project, capture_output=True, text=True, check=False)
    if done.returncode:
        raise RevisionError(f"git {arguments[0]}: {done.stderr.strip()}")
    return done.stdout
