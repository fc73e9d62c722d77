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

HEAD = """
import pulumi


class Provider(pulumi.ProviderResource):
    def __init__(self, package, settings):
        super().__init__(package, "local", settings)


local = Provider({package!r}, {settings!r})


def resource(token, name, properties=None, outputs=(), **options):
    inputs = dict.fromkeys(outputs) | (properties or {{}})
    return pulumi.CustomResource(token, name, inputs, pulumi.ResourceOptions(provider=local, **options))


"""
"""Programs speak of resources by token: importing a whole SDK package would take most of a test's time."""


class Program:
    """A tiny Pulumi program and its engine."""

    def __init__(self, folder: Path, pulumi: Path, package: str, settings: dict[str, str]) -> None:
        self.folder = folder
        self.namespace = "default"
        self.head = HEAD.format(package=package, settings=settings)
        folder.mkdir(parents=True)
        (folder / "Pulumi.yaml").write_text(yaml.safe_dump({"name": "tiny", "runtime": "python"}))
        self.write("")
        self.engine = Engine(folder / "state", folder / "settings.yaml", folder, pulumi)
        self.engine.prepare()

    def write(self, text: str) -> None:
        """Replace the program."""
        (self.folder / "__main__.py").write_text(self.head + dedent(text))

    def up(self, text: str | None = None) -> None:
        if text is not None:
            self.write(text)
        self.engine.up()

    def plan(self) -> dict[str, tuple[str, set[str]]]:
        """What a preview would do: operation and changed property paths by logical name, `same` left out."""
        steps = self.engine.preview_json().get("steps", [])
        return {
            step["urn"].rsplit("::", 1)[1]: (step["op"], set(step.get("detailedDiff") or {}))
            for step in steps
            if step["op"] != "same"
        }

    def state_text(self) -> str:
        """Everything the backend keeps, as bytes on disk would be read."""
        files = (self.folder / "state" / "pulumi").rglob("*")
        return "\n".join(file.read_text(errors="replace") for file in files if file.is_file())

    def plugins(self) -> list[psutil.Process]:
        """Processes that were started from this program's shims and still run."""
        mark = str(self.folder / "state" / "logs")
        return [
            process
            for process in psutil.process_iter(["cmdline", "status"])
            if mark in " ".join(process.info["cmdline"] or ()) and process.info["status"] != psutil.STATUS_ZOMBIE
        ]


@pytest.fixture(scope="module")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ControlPlane]:
    with control_plane(tmp_path_factory.mktemp("control-plane")) as running:
        yield running


@pytest.fixture
def make_program(tmp_path: Path) -> Iterator[Callable[[str, dict[str, str]], Program]]:
    """Makes programs; whatever of their plugins still runs at the end is a failure."""
    pulumi = tool("pulumi")
    made: list[Program] = []

    def make(package: str, settings: dict[str, str]) -> Program:
        made.append(Program(tmp_path / f"program-{len(made)}", pulumi, package, settings))
        return made[-1]

    yield make
    left = [process for one in made for process in one.plugins()]
    for process in left:
        os.kill(process.pid, signal.SIGKILL)
    assert not left, f"plugins outlived their engine: {left}"


@pytest.fixture
def program(
    make_program: Callable[[str, dict[str, str]], Program], cluster: ControlPlane, request: pytest.FixtureRequest
) -> Program:
    """A program whose resources go to the test cluster, in a namespace of the test's own: `NAMESPACE`."""
    namespace = request.node.name.replace("_", "-")[:60].strip("-")
    made = make_program("kubernetes", {"kubeconfig": str(cluster.kubeconfig), "namespace": namespace})
    cluster.http.post("/api/v1/namespaces", json={"metadata": {"name": namespace}}).raise_for_status()
    made.namespace = namespace
    return made
