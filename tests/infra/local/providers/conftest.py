"""What the provider tests share: one control plane a module, and engines of their own for tiny programs."""

import os
import signal
from collections.abc import Callable, Iterator
from pathlib import Path
from textwrap import dedent

import psutil
import pytest
import yaml

from infra.local.engine import Engine
from tests.infra.local.providers.control_plane import ControlPlane, control_plane, tool


class Program:
    """A tiny Pulumi program and its engine."""

    def __init__(self, folder: Path, pulumi: Path) -> None:
        self.folder = folder
        folder.mkdir(parents=True)
        (folder / "Pulumi.yaml").write_text(yaml.safe_dump({"name": "tiny", "runtime": "python"}))
        self.write("")
        self.engine = Engine(folder / "state", folder / "settings.yaml", folder, pulumi)
        self.engine.prepare()

    def write(self, text: str) -> None:
        """Replace the program."""
        (self.folder / "__main__.py").write_text(dedent(text))

    def up(self, text: str | None = None) -> None:
        if text is not None:
            self.write(text)
        self.engine.up()

    def steps(self) -> dict[str, str]:
        """What a preview would do: operation by logical name, `same` left out."""
        plan = self.engine.preview_json()
        return {
            step["urn"].rsplit("::", 1)[1]: step["op"] for step in plan.get("steps", []) if step["op"] != "same"
        }

    def changed_paths(self, name: str) -> set[str]:
        """The property paths a preview names for one resource."""
        plan = self.engine.preview_json()
        (step,) = (s for s in plan["steps"] if s["urn"].endswith(f"::{name}") and s["op"] != "same")
        return set(step.get("detailedDiff") or {})

    def state_text(self) -> str:
        """Everything the backend keeps, as bytes on disk would be read."""
        files = (self.folder / "state" / "pulumi").rglob("*")
        return "\n".join(file.read_text(errors="replace") for file in files if file.is_file())

    def plugins(self) -> list[psutil.Process]:
        """Processes that were started from this program's shims and still run."""
        mark = str(self.folder / "state" / "logs")
        found = []
        for process in psutil.process_iter(["cmdline", "status"]):
            if mark in " ".join(process.info["cmdline"] or ()) and process.info["status"] != psutil.STATUS_ZOMBIE:
                found.append(process)
        return found


@pytest.fixture(scope="module")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ControlPlane]:
    if not (tool("etcd", "server") and tool("kubernetes", "kube-controller-manager")):
        pytest.skip("etcd and Kubernetes are not built on this machine")
    with control_plane(tmp_path_factory.mktemp("control-plane")) as running:
        yield running


@pytest.fixture
def program(tmp_path: Path) -> Iterator[Callable[[], Program]]:
    """Makes programs; whatever of their plugins still runs at the end is a failure."""
    pulumi = tool("pulumi", "pulumi")
    if pulumi is None:
        pytest.skip("pulumi is not built on this machine")
    made: list[Program] = []

    def make() -> Program:
        made.append(Program(tmp_path / f"program-{len(made)}", pulumi))
        return made[-1]

    yield make
    left = [process for one in made for process in one.plugins()]
    for process in left:
        os.kill(process.pid, signal.SIGKILL)
    assert not left, f"plugins outlived their engine: {left}"
