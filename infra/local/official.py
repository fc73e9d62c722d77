"""The official Pulumi build, fetched by Pulumi's own SDK, for those who ask for it.

The SDK knows where the build is; nothing here names a host. It is asked only when `MOLTGHOST_DOWNLOADS=1`: by default
no packet leaves for anywhere but the package registries. No other tool has a channel of this kind.
"""

import os
import shutil
import tempfile
from pathlib import Path

from infra.local.cache import Progress
from infra.local.catalogue import Tool
from infra.local.go_build import ToolError

DOWNLOADS_VARIABLE = "MOLTGHOST_DOWNLOADS"


def is_offered(tool: Tool) -> bool:
    """Whether the user allows downloads and the tool has an official build to download."""
    return tool.name == "pulumi" and os.environ.get(DOWNLOADS_VARIABLE) == "1"


def program(tool: Tool, cache: Path) -> Path:
    """Where the tool's official build is, once it has been downloaded."""
    return _folder(tool, cache) / "bin" / tool.name


def download(tool: Tool, cache: Path, progress: Progress) -> None:
    """Fetch the official build into the cache; whole, or not at all. ToolError says why not."""
    # pulumi.automation takes 0.5 s to import, and hardly a run comes here.
    from pulumi.automation import PulumiCommand
    from semver import VersionInfo

    progress(f"downloading the official {tool.name} {tool.version}")
    folder = _folder(tool, cache)
    folder.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=".download-", dir=folder.parent) as scratch:
        root = Path(scratch) / "root"
        try:
            PulumiCommand.install(root=str(root), version=VersionInfo.parse(tool.version.removeprefix("v")))
        except Exception as error:
            raise ToolError(
                f"the official {tool.name} {tool.version} cannot be downloaded ({error}): "
                f"unset {DOWNLOADS_VARIABLE} to build it from Go modules"
            ) from error
        shutil.rmtree(folder, ignore_errors=True)
        root.rename(folder)


def _folder(tool: Tool, cache: Path) -> Path:
    return cache / tool.toolchain / f"{tool.version}-official"
