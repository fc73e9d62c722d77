"""The plugins the engine looks for: small scripts that start ours with this Python.

Providers go where the engine keeps installed plugins, under the versions the program's packages ask for, and the
language host lies beside a link to the engine itself: from anywhere else it would warn of each of them in every run.
"""

import importlib.metadata
import shlex
import shutil
import sys
from contextlib import suppress
from pathlib import Path

from infra.local.files import write_changed

PROVIDERS = ("aws", "cloudflare", "command", "kubernetes")


def write_shims(bin_folder: Path, home: Path, logs: Path, pulumi: Path) -> None:
    """Write the language host into `bin_folder` and the providers below `home`; each logs to a file in `logs`."""
    bin_folder.mkdir(parents=True, exist_ok=True)
    logs.mkdir(parents=True, exist_ok=True)
    _write_script(bin_folder / "pulumi-language-python", "infra.local.language_host", logs)
    _link_engine(bin_folder / "pulumi", pulumi)
    for name in PROVIDERS:
        version = importlib.metadata.version(f"pulumi-{name}")
        folder = home / "plugins" / f"resource-{name}-v{version}"
        _drop_other_versions(folder, name)
        folder.mkdir(parents=True, exist_ok=True)
        _write_script(folder / f"pulumi-resource-{name}", f"infra.local.providers.{name}", logs)


def _write_script(path: Path, module: str, logs: Path) -> None:
    """Whole or not at all: an engine that runs now may be about to start it."""
    # -P: the engine starts plugins in the program's folder, whose files must not shadow a module
    command = shlex.join(
        [sys.executable, "-P", "-m", "infra.local.protocol", module, "--log", str(logs / f"{path.name}.log")]
    )
    write_changed(path, f'#!/bin/sh\nexec {command} "$@"\n', 0o755)


def _link_engine(link: Path, pulumi: Path) -> None:
    """A hard link, for the engine resolves soft ones; where there can be none the engine warns of the language host."""
    if link.exists() and link.samefile(pulumi):
        return
    link.unlink(missing_ok=True)
    with suppress(OSError):
        link.hardlink_to(pulumi)


def _drop_other_versions(wanted: Path, name: str) -> None:
    for folder in wanted.parent.glob(f"resource-{name}-v*"):
        if folder != wanted:
            shutil.rmtree(folder)
