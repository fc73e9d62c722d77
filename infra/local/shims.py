"""The programs the engine looks for on PATH: small scripts that start our plugins with this Python."""

import os
import shlex
import sys
from pathlib import Path

PROVIDERS = ("aws", "cloudflare", "command", "kubernetes")


def write_shims(folder: Path, logs: Path) -> None:
    """Write `pulumi-language-python` and `pulumi-resource-*` into `folder`; each logs to a file in `logs`."""
    folder.mkdir(parents=True, exist_ok=True)
    logs.mkdir(parents=True, exist_ok=True)
    modules = {f"pulumi-resource-{name}": f"infra.local.providers.{name}" for name in PROVIDERS}
    modules["pulumi-language-python"] = "infra.local.language_host"
    for name, module in modules.items():
        # -P: the engine starts plugins in the program's folder, whose files must not shadow a module
        command = shlex.join([sys.executable, "-P", "-m", module, "--log", str(logs / f"{name}.log")])
        _write_script(folder / name, f'#!/bin/sh\nexec {command} "$@"\n')


def _write_script(path: Path, text: str) -> None:
    """Whole or not at all: an engine that runs now may be about to start it."""
    if path.exists() and path.read_text() == text:
        return
    draft = path.with_name(f".{path.name}.{os.getpid()}")
    draft.write_text(text)
    draft.chmod(0o755)
    draft.replace(path)
