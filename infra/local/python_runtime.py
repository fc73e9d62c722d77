"""Which interpreter a Pulumi program or policy pack runs with, and what is installed there."""

import json
import os
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from infra.local import python_packages


class RuntimeProblem(Exception):  # noqa: N818 - a problem of the user's set-up, not of this program
    """The interpreter the options name can't be used; the text says what to do."""


@dataclass(frozen=True)
class Interpreter:
    """A Python, and the environment it wants."""

    executable: str
    virtualenv: Path | None = None

    def environment(self, base: Mapping[str, str]) -> dict[str, str]:
        """`base` as an activated virtual environment would have it."""
        environment = {key: value for key, value in base.items() if key != "PYTHONHOME"}
        if self.virtualenv:
            environment["VIRTUAL_ENV"] = str(self.virtualenv)
            environment["PATH"] = f"{self.virtualenv / 'bin'}{os.pathsep}{base.get('PATH', os.defpath)}"
        return environment

    def packages(self) -> list[dict[str, Any]]:
        """What is installed there, see `python_packages.installed`."""
        if self.executable == sys.executable:
            return python_packages.installed()
        script = Path(python_packages.__file__)
        done = subprocess.run([self.executable, "-I", script], capture_output=True, text=True, check=False)
        if done.returncode:
            raise RuntimeProblem(f"{self.executable} can't list its packages: {done.stderr.strip()}")
        entries: list[dict[str, Any]] = json.loads(done.stdout)
        return entries

    def version(self) -> str:
        """The interpreter's version, like `3.11.7`."""
        done = subprocess.run([self.executable, "--version"], capture_output=True, text=True, check=True)
        return done.stdout.split()[-1]


def interpreter(root: Path, options: Mapping[str, Any]) -> Interpreter:
    """The interpreter of `options` (`virtualenv`, `toolchain`: pip, uv or poetry) as in Pulumi.yaml at `root`.

    Raises `RuntimeProblem` when it isn't there.
    """
    toolchain = options.get("toolchain") or "pip"
    if toolchain not in ("pip", "uv", "poetry"):
        raise RuntimeProblem(f"runtime option toolchain: {toolchain!r} is none of pip, uv, poetry")
    folder = options.get("virtualenv")
    if folder:
        return _in_virtualenv(root / str(folder), f"virtualenv: {folder}")
    if toolchain == "uv":
        return _in_virtualenv(_uv_environment(root), "toolchain: uv")
    if toolchain == "poetry":
        return _in_virtualenv(_poetry_environment(root), "toolchain: poetry")
    return Interpreter(os.environ.get("PULUMI_PYTHON_CMD") or sys.executable)


def _in_virtualenv(folder: Path, option: str) -> Interpreter:
    python = folder / "bin" / "python"
    if not python.exists():
        raise RuntimeProblem(f"runtime option {option}: {python} does not exist. {how_to_install(folder)}")
    return Interpreter(str(python), folder)


def how_to_install(folder: Path) -> str:
    """What a user does to make a virtual environment with the program's packages."""
    return f"Make it: `python3 -m venv {folder}`, then install the locked requirements into it (`make setup` here)."


def _uv_environment(root: Path) -> Path:
    if os.environ.get("UV_PROJECT_ENVIRONMENT"):
        return root / os.environ["UV_PROJECT_ENVIRONMENT"]
    for folder in (root, *root.parents):
        if (folder / ".venv").is_dir() or (folder / "uv.lock").exists():
            return folder / ".venv"
    return root / ".venv"


def _poetry_environment(root: Path) -> Path:
    try:
        done = subprocess.run(
            ["poetry", "env", "info", "--path"], cwd=root, capture_output=True, text=True, check=False
        )
    except FileNotFoundError:
        raise RuntimeProblem("runtime option toolchain: poetry is not on PATH; install it, or use pip or uv") from None
    if done.returncode or not done.stdout.strip():
        raise RuntimeProblem(f"runtime option toolchain: poetry has no environment for {root}; run `poetry install`")
    return Path(done.stdout.strip())
