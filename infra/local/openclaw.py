"""OpenClaw as the image has it, installed once from its lock: for tests, and wherever its own validator is asked."""

import json
import subprocess
import tempfile
import time
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
_DONE = ".done"


def openclaw_key() -> str:
    """What an installation is made from, in 16 hex digits."""
    return digest_of([_RECIPE, *INSTALL, *((LOCKED / name).read_bytes() for name in _INPUTS)])[:16]


def ensure_openclaw(cache: Path, progress: Progress) -> Path:
    """The folder whose `node_modules` holds OpenClaw, made when the cache lacks it. ToolError when it cannot be."""
    folder = cache / "openclaw" / openclaw_key()
    if (folder / _DONE).exists():
        return folder
    with locked(folder.with_suffix(".lock"), progress, "OpenClaw"):
        if (folder / _DONE).exists():
            return folder
        version = pinned_openclaw()
        require_floor("openclaw", version)
        progress(f"installing OpenClaw {version} from its lock")
        started = time.monotonic()
        with tempfile.TemporaryDirectory(prefix=".install-", dir=folder.parent) as scratch:
            fresh = Path(scratch) / "fresh"
            _install(fresh)
            write_whole(fresh / _DONE, "")
            fresh.replace(folder)
        progress(f"installed OpenClaw in {elapsed(started)}")
    return folder


def pinned_openclaw() -> str:
    """The version of OpenClaw the lock names."""
    lock = json.loads((LOCKED / "package-lock.json").read_text())
    return str(lock["packages"]["node_modules/openclaw"]["version"])


def _install(into: Path) -> None:
    for name in _INPUTS:
        write_whole(into / name, (LOCKED / name).read_text())
    for command in ((*npm_command(), *INSTALL), (str(node_program()), _LAST_STEP)):
        done = subprocess.run(command, cwd=into, capture_output=True, text=True, check=False)
        if done.returncode != 0:
            tail = "\n".join((done.stdout + done.stderr).strip().splitlines()[-10:])
            raise ToolError(f"OpenClaw cannot be installed (exit status {done.returncode}):\n{tail}")
