"""Programs that are modules of this project's own Python environment."""

import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from infra.local.supervisord import Program


def python_program(
    name: str,
    module: str,
    arguments: Sequence[str],
    *,
    env: Mapping[str, str] | None = None,
    files: Sequence[Path] = (),
    ready: Callable[[], bool] = lambda: True,
    address: str = "",
) -> Program:
    """`python -m module`; `-P` keeps the folder it is started in out of its imports."""
    argv = [sys.executable, "-P", "-u", "-m", module, *arguments]
    return Program(name, argv, env=env or {}, files=files, ready=ready, deadline_s=60, address=address)
