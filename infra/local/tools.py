"""Finds or makes the programs a job needs: installed, official, already built, or built now; in that order."""

import json
import shutil
import tempfile
import time
from collections.abc import Iterable, Sequence
from concurrent.futures import FIRST_COMPLETED, ThreadPoolExecutor, wait
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from infra.local import go_build, official, packages
from infra.local.cache import Progress, cache_root, elapsed, locked
from infra.local.catalogue import CATALOGUE, Tool
from infra.local.files import write_whole
from infra.local.go_build import ToolError
from infra.local.installed import find_installed

BUILDS_AT_ONCE = 2
"""One build's link step runs on one core while the next compiles; more would only ask for memory (up to 2 GB each)."""


class How(StrEnum):
    """The way a tool came, or would come."""

    INSTALLED = "installed"
    DOWNLOADED = "official build"
    CACHED = "cached build"
    TO_DOWNLOAD = "official build, to be downloaded"
    TO_BUILD = "to be built"


@dataclass(frozen=True)
class Resolution:
    """Where a tool is, or how it would be had."""

    tool: Tool
    how: How
    path: Path | None
    """None when it is still to be made."""
    version: str
    note: str = ""
    """What a person should know: an installed program that was passed over, and why."""


class Tools:
    """The tools of one cache. Safe beside other threads and processes that use the same cache."""

    def __init__(self, cache: Path | None = None) -> None:
        self.cache = cache or cache_root()

    def ensure(self, names: Iterable[str], progress: Progress) -> dict[str, Path]:
        """The absolute path of each named program, made first where it must be; ToolError when one cannot be."""
        chosen = {name: self.resolve(name) for name in names}
        waiting = [found for found in chosen.values() if found.path is None]
        if waiting:
            self._make(waiting, progress)
            chosen |= {found.tool.name: self.resolve(found.tool.name) for found in waiting}
        paths = {name: found.path for name, found in chosen.items() if found.path is not None}
        if lost := chosen.keys() - paths.keys():
            raise ToolError(
                f"{', '.join(sorted(lost))}: made, but not found in {self.cache}: is another run clearing it?"
            )
        return paths

    def resolve(self, name: str) -> Resolution:
        """The way this tool comes, without making it. ToolError when the catalogue has no such tool."""
        tool = CATALOGUE.get(name)
        if tool is None:
            raise ToolError(f"no tool is called {name!r}: choose from {', '.join(CATALOGUE)}")
        found = find_installed(tool)
        if found and not found.refusal:
            return Resolution(tool, How.INSTALLED, found.path, found.version)
        note = f"{found.path} {found.version} passed over: {found.refusal}" if found else ""
        return self._resolve_made(tool, note)

    def describe(self, names: Iterable[str]) -> list[Resolution]:
        """The way each tool comes, for a report."""
        return [self.resolve(name) for name in names]

    def _resolve_made(self, tool: Tool, note: str) -> Resolution:
        downloaded = official.program(tool, self.cache)
        if downloaded.is_file():
            return Resolution(tool, How.DOWNLOADED, downloaded, tool.version, note)
        if self._is_built(tool):
            return Resolution(tool, How.CACHED, self._folder(tool) / tool.name, tool.version, note)
        how = How.TO_DOWNLOAD if official.is_offered(tool) else How.TO_BUILD
        return Resolution(tool, how, None, tool.version, note)

    def _make(self, waiting: Sequence[Resolution], progress: Progress) -> None:
        """Download what is offered, then build the rest: one build a toolchain, a few at once."""
        for found in waiting:
            if found.how is How.TO_DOWNLOAD:
                official.download(found.tool, self.cache, progress)
        groups: dict[str, list[Tool]] = {}
        for found in waiting:
            if found.how is How.TO_BUILD:
                groups.setdefault(found.tool.toolchain, []).append(found.tool)
        for toolchain in groups:
            go_build.require_go(toolchain)  # before any build starts: the last of them should not be the one to fail
        builds = go_build.Builds()
        with ThreadPoolExecutor(BUILDS_AT_ONCE) as pool:
            making = {pool.submit(self._build, tools, builds, progress) for tools in groups.values()}
            try:
                while making:
                    # A Ctrl-C that comes just before a wait is seen only after it.
                    made, making = wait(making, timeout=1, return_when=FIRST_COMPLETED)
                    for each in made:
                        each.result()
            except BaseException:
                pool.shutdown(wait=False, cancel_futures=True)
                builds.stop()
                raise

    def _build(self, tools: Sequence[Tool], builds: go_build.Builds, progress: Progress) -> None:
        """Build beside the final place, then move each program there whole; its stamp, written last, vouches for it."""
        folder = self._folder(tools[0])
        what = f"{tools[0].toolchain} {tools[0].version}"
        with locked(folder.with_suffix(f"{folder.suffix}.lock"), progress, what):
            lacking = [tool for tool in tools if not self._is_built(tool)]  # the lock's last holder may have made some
            if not lacking:
                return
            folder.mkdir(parents=True, exist_ok=True)
            for remains in folder.glob(".build-*"):  # of a build that was killed; the lock says nobody is at it
                shutil.rmtree(remains)
            if packages.can_install():  # elsewhere the compiler says what it lacks
                packages.ensure_packages([name for tool in lacking for name in tool.packages], progress)
            started = time.monotonic()
            progress(f"building {what} from Go modules: {', '.join(tool.name for tool in lacking)}")
            with tempfile.TemporaryDirectory(prefix=".build-", dir=folder) as scratch:
                go_build.build(lacking, Path(scratch), folder / "include", builds)
                for tool in lacking:
                    self._accept(tool, Path(scratch) / tool.name)
            progress(f"built {what} in {elapsed(started)}")

    def _accept(self, tool: Tool, fresh: Path) -> None:
        stamp = self._stamp(tool)
        stamp.unlink(missing_ok=True)
        for _, path in tool.beside:
            name = Path(path).name
            fresh.with_name(name).replace(self._folder(tool) / name)
        size = fresh.stat().st_size
        fresh.replace(self._folder(tool) / tool.name)
        write_whole(stamp, json.dumps({"inputs": go_build.inputs_digest(tool), "bytes": size}))

    def _is_built(self, tool: Tool) -> bool:
        """Whether the cache holds this very program whole: stamped, of the inputs of today and the size it had."""
        try:
            stamp = json.loads(self._stamp(tool).read_text())
            size = (self._folder(tool) / tool.name).stat().st_size
        except (OSError, ValueError):
            return False
        if not all((self._folder(tool) / Path(path).name).is_file() for _, path in tool.beside):
            return False
        return bool(stamp == {"inputs": go_build.inputs_digest(tool), "bytes": size})

    def _folder(self, tool: Tool) -> Path:
        return self.cache / tool.toolchain / tool.version

    def _stamp(self, tool: Tool) -> Path:
        return self._folder(tool) / f".{tool.name}.json"
