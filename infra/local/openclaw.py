"""OpenClaw as the image has it, installed once from its lock: for tests, and wherever its own validator is asked."""

import json
import shutil
import subprocess
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path

from infra.local.cache import Progress, digest_of, elapsed, locked
from infra.local.files import write_whole
from infra.local.floors import require_floor
from infra.local.go_build import ToolError
from infra.local.node import node_program, npm_command

LOCKED = Path(__file__).parents[2] / "runtime" / "openclaw"
"""The folder that pins OpenClaw and all it needs."""
INSTALL = ("ci", "--omit=dev")
_INPUTS = (".npmrc", "package.json", "package-lock.json")
_RECIPE = "2"
"""Raised when the way of installing changes."""
_LAST_STEP = "node_modules/openclaw/scripts/postinstall-bundled-plugins.mjs"
"""Of OpenClaw's installation: else it would be made up for at its first start, by writing into the package."""
PRUNE = "prune.sh"
_MODULES = "node_modules"
_DONE = ".done"


def openclaw_key() -> str:
    """What an installation is made from, in 16 hex digits."""
    return digest_of([_RECIPE, *INSTALL, *((LOCKED / name).read_bytes() for name in _INPUTS)])[:16]


def ensure_openclaw(cache: Path, progress: Progress) -> Path:
    """The folder whose `node_modules` holds OpenClaw, made when the cache lacks it. ToolError when it cannot be."""

    def install(fresh: Path) -> None:
        version = pinned_openclaw()
        require_floor("openclaw", version)
        progress(f"installing OpenClaw {version} from its lock")
        _install(fresh)

    return _ensure(cache / "openclaw" / openclaw_key(), install, progress)


def ensure_pruned(cache: Path, progress: Progress) -> Path:
    """The same with no more of OpenClaw than the image has."""
    whole, script = ensure_openclaw(cache, progress), LOCKED / PRUNE

    def prune(fresh: Path) -> None:
        # No hard links: OpenClaw takes none for its own.
        shutil.copytree(whole / _MODULES, fresh / _MODULES, symlinks=True)
        _run(("sh", str(script), _MODULES), fresh, "OpenClaw cannot be pruned")

    key = digest_of([whole.name, script.read_bytes()])[:16]
    return _ensure(cache / "openclaw" / f"pruned-{key}", prune, progress)


def _ensure(folder: Path, make: Callable[[Path], None], progress: Progress) -> Path:
    """The folder, made whole where it is not there."""
    if (folder / _DONE).exists():
        return folder
    with locked(folder.with_suffix(".lock"), progress, "OpenClaw"):
        if (folder / _DONE).exists():
            return folder
        started = time.monotonic()
        with tempfile.TemporaryDirectory(prefix=".install-", dir=folder.parent) as scratch:
            fresh = Path(scratch) / "fresh"
            make(fresh)
            write_whole(fresh / _DONE, "")
            fresh.replace(folder)
        progress(f"OpenClaw is there in {elapsed(started)}")
    return folder


def pinned_openclaw() -> str:
    """The version of OpenClaw the lock names."""
    lock = json.loads((LOCKED / "package-lock.json").read_text())
    return str(lock["packages"]["node_modules/openclaw"]["version"])


def _install(into: Path) -> None:
    for name in _INPUTS:
        write_whole(into / name, (LOCKED / name).read_text())
    _run((*npm_command(), *INSTALL), into, "OpenClaw cannot be installed")
    _run((str(node_program()), _LAST_STEP), into, "OpenClaw cannot be installed")


def _run(command: Sequence[str], folder: Path, failure: str) -> None:
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        tail = "\n".join((done.stdout + done.stderr).strip().splitlines()[-10:])
        raise ToolError(f"{failure} (exit status {done.returncode}):\n{tail}")
