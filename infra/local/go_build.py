"""Builds programs from Go modules pinned by a go.mod and go.sum of ours."""

import os
import shutil
import signal
import subprocess
import threading
from collections.abc import Sequence
from pathlib import Path

from infra.local.cache import digest_of
from infra.local.catalogue import Linking, Tool

TOOLCHAINS = Path(__file__).parent / "toolchain"
RECIPE = "1"
"""Raised when the way of building changes, so that no program built the old way is taken for a new one."""

MINIAUDIO_MODULE = "github.com/gen2brain/malgo"


class ToolError(Exception):
    """A program can neither be found nor made. The message names it, what is missing, and the remedy."""


class Builds:
    """The compilers of one call, in whatever threads, ended together: what a Ctrl-C in the main thread asks for."""

    def __init__(self) -> None:
        self._running: set[subprocess.Popen[str]] = set()
        self._stopped = False
        # A compiler is among the running ones before `stop` can look, or isn't started any more.
        self._lock = threading.Lock()

    def start(self, command: list[str], folder: Path, environment: dict[str, str]) -> subprocess.Popen[str]:
        """Start a compiler in a process group of its own. Raises ToolError once they are stopped."""
        with self._lock:
            if self._stopped:
                raise ToolError("the builds were stopped")
            process = subprocess.Popen(
                command,
                cwd=folder,
                env=environment,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                text=True,
                start_new_session=True,
            )
            self._running.add(process)
        return process

    def end(self, process: subprocess.Popen[str]) -> None:
        """See that a compiler has ended, however the wait for it did."""
        with self._lock:
            self._running.discard(process)
            _end(process)

    def stop(self) -> None:
        """End every compiler that runs, and start no other."""
        with self._lock:
            self._stopped = True
            for process in self._running:
                _end(process)


def _end(process: subprocess.Popen[str]) -> None:
    if process.poll() is None:
        os.killpg(process.pid, signal.SIGKILL)


def inputs_digest(tool: Tool) -> str:
    """What a build of the tool depends on: its sources' checksums and how they are built."""
    folder = TOOLCHAINS / tool.toolchain
    sources = [path.read_bytes() for path in sorted(folder.iterdir()) if path.suffix in {".mod", ".sum", ".go"}]
    return digest_of([RECIPE, tool.package, tool.linking, repr(tool.variables), repr(tool.beside), *sources])


def require_go(toolchain: str) -> str:
    """The Go version that would build it, or ToolError; an older `go` that may fetch a newer one will do."""
    folder = TOOLCHAINS / toolchain
    if shutil.which("go") is None:
        raise ToolError(f"go is not on PATH, and {toolchain} must be built: install Go {wanted_go(folder)} or newer")
    probe = subprocess.run(["go", "env", "GOVERSION"], cwd=folder, capture_output=True, text=True, check=False)
    if probe.returncode != 0:
        why = probe.stderr.strip() or f"exit status {probe.returncode}"
        raise ToolError(f"go cannot build {toolchain} ({why}): install Go {wanted_go(folder)} or newer")
    return probe.stdout.strip()


def wanted_go(folder: Path) -> str:
    """The version the go.mod in `folder` asks for."""
    lines = (folder / "go.mod").read_text().splitlines()
    return next(line.split()[1] for line in lines if line.startswith("go "))


def build(tools: Sequence[Tool], into: Path, headers: Path, builds: Builds) -> None:
    """Build tools of one toolchain into `into`, each under its own name. ToolError carries the compiler's last words.

    `headers` is a folder that outlives the build: its path is part of what Go's own build cache is keyed by.
    """
    first = tools[0]
    require_go(first.toolchain)
    environment = {**os.environ, "GOWORK": "off", "CGO_ENABLED": "0"}
    if first.linking is Linking.STATIC_CPP:
        environment |= _cpp_environment(first, headers)
    command = ["go", "build", "-mod=readonly", "-trimpath", "-buildvcs=false", *_link_flags(first)]
    command += ["-o", f"{into}/", *(tool.package for tool in tools)]
    _run(builds, command, TOOLCHAINS / first.toolchain, environment, first)
    for tool in tools:
        if tool.binary != tool.name:
            (into / tool.binary).rename(into / tool.name)
        for module, path in tool.beside:
            source = module_folder(tool.toolchain, module) / path
            shutil.copyfile(source, into / source.name)
            (into / source.name).chmod(0o755)


def module_folder(toolchain: str, module: str) -> Path:
    """Where Go keeps the unpacked source of a module the toolchain requires, fetched when it is not there."""
    folder = TOOLCHAINS / toolchain
    require_go(toolchain)
    for command in (["go", "mod", "download", module], ["go", "list", "-mod=readonly", "-m", "-f={{.Dir}}", module]):
        done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
        if done.returncode != 0:
            raise ToolError(f"the source of {module} ({toolchain}) is not to be had: {done.stderr.strip()}")
    return Path(done.stdout.strip())


def _link_flags(tool: Tool) -> list[str]:
    linker = ["-s", "-w", *(f"-X={name}={value}" for name, value in tool.variables)]
    if tool.linking is Linking.STATIC_CPP:
        linker += ["-linkmode=external", "-extldflags=-static"]
        return ["-tags=netgo,osusergo", f"-ldflags={' '.join(linker)}"]
    return [f"-ldflags={' '.join(linker)}"]


def _cpp_environment(tool: Tool, headers: Path) -> dict[str, str]:
    if shutil.which("g++") is None:
        raise ToolError(f"g++ is not on PATH, and {tool.name} must be built: install the Debian package g++")
    link = headers / "miniaudio" / "miniaudio.h"
    link.parent.mkdir(parents=True, exist_ok=True)
    link.unlink(missing_ok=True)
    link.symlink_to(module_folder(tool.toolchain, MINIAUDIO_MODULE) / "miniaudio.h")
    return {"CGO_ENABLED": "1", "CGO_CXXFLAGS": f"-O2 -I{headers}"}


def _run(builds: Builds, command: list[str], folder: Path, environment: dict[str, str], tool: Tool) -> None:
    with builds.start(command, folder, environment) as process:
        try:
            output, _ = process.communicate()
        finally:
            builds.end(process)
    if process.returncode != 0:
        tail = "\n".join(output.strip().splitlines()[-15:])
        raise ToolError(f"{tool.toolchain} {tool.version} does not build (exit status {process.returncode}):\n{tail}")
