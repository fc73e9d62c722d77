"""The runbook for an interrupted update: each of its commands, run on what a killed engine really left."""

import json
import os
import re
import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psutil
import pytest
import yaml
from moto.server import ThreadedMotoServer

from infra.local.engine import Engine
from infra.local.engine_state import checkpoint
from infra.local.providers.aws.session import Session
from tests.infra.local.providers.aws.conftest import provider_settings
from tests.infra.local.providers.conftest import HEAD
from tests.infra.local.providers.control_plane import tool
from tests.waiting import eventually

PAGE = Path(__file__).resolve().parents[2] / "docs" / "runbooks" / "interrupted-update.md"
PROJECT = "moltghost"
BLOCK = re.compile(r"^```sh\n(.*?)^```$", re.MULTILINE | re.DOTALL)
HEADING = re.compile(r"^#+ (.*)$", re.MULTILINE)
COPY, LOCK, PENDING, END, TORN = (
    "1. Stop, and keep a copy",
    "2. The lock",
    "3. What was pending",
    "4. The end",
    "A torn checkpoint",
)
KINDS = ("creating", "updating", "deleting", "reading", "importing")

# Waits until the test, or nobody any more, opens the other end.
SLOW = "touch begun && cat gate > /dev/null"
QUICK = "true"


def commands() -> list[tuple[str, str]]:
    """Every command block of the page with the heading it stands under."""
    text = PAGE.read_text()
    headings = [(found.start(), found[1]) for found in HEADING.finditer(BLOCK.sub(lambda it: " " * len(it[0]), text))]
    return [
        ([name for start, name in headings if start < block.start()][-1], block[1]) for block in BLOCK.finditer(text)
    ]


def command(heading: str, at: int = 0) -> str:
    return [text for under, text in commands() if under == heading][at]


class Stack:
    """A stack in a folder, run by plain `pulumi` as an operator runs it, and killed in the middle."""

    def __init__(self, folder: Path, package: str = "command", settings: dict[str, str] | None = None) -> None:
        self.head = HEAD.format(package=package, settings=settings or {})
        self.folder = folder / "project"
        self.folder.mkdir()
        os.mkfifo(self.folder / "gate")
        (self.folder / "Pulumi.yaml").write_text(yaml.safe_dump({"name": PROJECT, "runtime": "python"}))
        self.declare()
        self.engine = Engine(folder / "state", self.folder / "Pulumi.dev.yaml", self.folder, tool("pulumi"))
        self.engine.prepare()

    def declare(self, **commands: str) -> None:
        """Write the program: one command, or none."""
        inputs = {"dir": str(self.folder), **commands}
        self.write(f"resource('command:local:Command', 'slow', {inputs!r})\n" if commands else "")

    def write(self, text: str) -> None:
        """Write the program."""
        (self.folder / "__main__.py").write_text(self.head + text)

    def sh(self, script: str, **variables: str) -> str:
        """Run a block of the page."""
        done = subprocess.run(
            ["bash", "-euo", "pipefail", "-c", script],
            cwd=self.folder,
            env={
                **self.engine.environment(),
                "PATH": f"{self.engine.state / 'bin'}:{self.engine.environment()['PATH']}",
                "STACK": "dev",
                "BACKEND": str(self.engine.backend),
                **variables,
            },
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=120,
        )
        assert done.returncode == 0, f"{script}\n{done.stdout}\n{done.stderr}"
        return done.stdout

    def kill_in_the_middle(self, *arguments: str) -> None:
        """Run an operation, and kill the engine and all its plugins while the command is at work."""
        (self.folder / "begun").unlink(missing_ok=True)
        with subprocess.Popen(
            [self.engine.state / "bin" / "pulumi", *arguments, "--yes", "--skip-preview", "--stack", "dev"],
            cwd=self.folder,
            env=self.engine.environment(),
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        ) as engine:
            eventually((self.folder / "begun").exists, "the command has begun")
            eventually(lambda: self.pending() or None, "the operation is written down")
            children = psutil.Process(engine.pid).children(recursive=True)
            engine.send_signal(signal.SIGKILL)
        eventually(lambda: not any(map(runs, children)), "what the engine started ends with it")

    def pending(self) -> list[str]:
        """Kinds of operations the checkpoint has as pending."""
        latest = json.loads(checkpoint(self.engine.backend, PROJECT, "dev").read_text())["checkpoint"]["latest"]
        return [each["type"] for each in latest.get("pending_operations", [])]

    def resources(self, type_: str = "command:local:Command") -> list[str]:
        """Names of the resources of a type that the state holds."""
        return [each["urn"].rsplit("::", 1)[1] for each in self._held() if each["type"] == type_]

    def provider(self) -> str:
        """How a resource names the one provider."""
        (found,) = [each for each in self._held() if each["type"].startswith("pulumi:providers:")]
        return f"{found['urn']}::{found['id']}"

    def _held(self) -> list[dict[str, Any]]:
        held: list[dict[str, Any]] = json.loads(self.sh("pulumi stack export --stack dev"))["deployment"]["resources"]
        return held


def runs(process: psutil.Process) -> bool:
    try:
        return process.is_running() and process.status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


@pytest.fixture
def stack(tmp_path: Path) -> Stack:
    return Stack(tmp_path)


def first_steps(stack: Stack, kind: str) -> str:
    """Steps 1 to 3; the URN of the one pending operation, which is of the kind."""
    stack.sh(command(COPY))
    stack.sh(command(LOCK))
    (line,) = stack.sh(command(PENDING)).splitlines()
    found, type_, urn = line.split(" ")
    assert (found, type_) == (kind, "command:local:Command")
    return urn


def test_an_update_cut_while_it_creates_creates_in_the_end(stack: Stack) -> None:
    stack.declare(create=SLOW)
    stack.kill_in_the_middle("up")
    first_steps(stack, "creating")
    stack.declare(create="touch made")

    stack.sh(command("creating", 0))
    assert stack.pending() == []
    stack.sh(command(END))

    assert (stack.folder / "made").exists()
    assert stack.resources() == ["slow"]


def test_an_update_cut_while_it_updates_updates_in_the_end(stack: Stack) -> None:
    stack.declare(create=QUICK)
    stack.engine.up()
    stack.declare(create=QUICK, update=SLOW)
    stack.kill_in_the_middle("up")
    first_steps(stack, "updating")
    stack.declare(create=QUICK, update="touch changed")

    stack.sh(command("updating"))
    assert stack.pending() == []
    stack.sh(command(END))

    assert (stack.folder / "changed").exists()
    assert stack.resources() == ["slow"]


def test_an_update_cut_while_it_deletes_deletes_in_the_end(stack: Stack) -> None:
    stack.declare(create=QUICK, delete=f"test -e gone || {{ touch gone; {SLOW}; }}")
    stack.engine.up()
    stack.declare()
    stack.kill_in_the_middle("up")
    first_steps(stack, "deleting")
    assert stack.resources() == ["slow"]

    stack.sh(command("deleting"))
    assert stack.pending() == []
    stack.sh(command(END))

    assert stack.engine.stack_output() == {}
    assert stack.resources() == []


def leave_pending(stack: Stack, kind: str, resource: dict[str, Any]) -> None:
    """Write an operation into the checkpoint: of kinds that nothing here can be cut in for certain."""
    file = checkpoint(stack.engine.backend, PROJECT, "dev")
    document = json.loads(file.read_text())
    document["checkpoint"]["latest"]["pending_operations"] = [{"type": kind, "resource": resource}]
    file.write_text(json.dumps(document))
    assert stack.pending() == [kind]


@pytest.fixture
def endpoint() -> Iterator[str]:
    """An empty S3."""
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    yield f"http://{host}:{port}"
    server.stop()


def test_what_a_cut_update_had_created_is_taken_over_by_its_id(tmp_path: Path, endpoint: str) -> None:
    stack = Stack(tmp_path, "aws", provider_settings(endpoint))
    stack.engine.up()
    session = Session(provider_settings(endpoint))
    session.s3.create_bucket(Bucket="there", CreateBucketConfiguration={"LocationConstraint": session.region})
    session.s3.close()
    type_ = "aws:s3/bucket:Bucket"
    urn = f"urn:pulumi:dev::{PROJECT}::{type_}::bucket"
    inputs = {"bucket": "there"}
    provider = stack.provider()
    leave_pending(
        stack, "creating", {"urn": urn, "custom": True, "type": type_, "inputs": inputs, "provider": provider}
    )
    stack.sh(command(COPY))
    assert stack.sh(command(PENDING)).split() == ["creating", type_, urn]

    stack.sh(command("creating", 1), URN=urn, ID="there")
    assert stack.pending() == []
    stack.write(f"resource({type_!r}, 'bucket', {inputs!r})\n")
    stack.sh(command(END))
    assert stack.resources(type_) == ["bucket"]


@pytest.mark.parametrize("kind", ["reading", "importing"])
def test_an_update_cut_while_it_looks_at_something_forgets_it(stack: Stack, kind: str) -> None:
    stack.declare(create=QUICK)
    stack.engine.up()
    urn = f"urn:pulumi:dev::{PROJECT}::command:local:Command::other"
    leave_pending(stack, kind, {"urn": urn, "custom": True, "id": "x", "type": "command:local:Command"})
    stack.sh(command(COPY))
    assert stack.sh(command(PENDING)).split() == [kind, "command:local:Command", urn]

    stack.sh(command(kind))
    assert stack.pending() == []
    stack.sh(command(END))
    assert stack.resources() == ["slow"]


def test_the_lock_of_a_dead_engine_holds_up_every_update_until_it_is_removed(stack: Stack) -> None:
    stack.declare(create=SLOW)
    stack.kill_in_the_middle("up")
    with pytest.raises(AssertionError, match="currently locked"):
        stack.sh("pulumi up --yes --skip-preview --stack dev")
    stack.sh(command(LOCK))
    assert not list((stack.engine.backend / ".pulumi" / "locks").rglob("*.json"))


def test_a_torn_checkpoint_is_replaced_by_the_one_before(stack: Stack) -> None:
    stack.declare(create=QUICK)
    stack.engine.up()
    stack.declare(create=QUICK, update="true")
    stack.engine.up()
    file = checkpoint(stack.engine.backend, PROJECT, "dev")
    file.write_text(file.read_text()[:100])
    with pytest.raises(AssertionError):
        stack.sh(command(COPY))

    stack.sh(command(TORN))
    stack.sh(command(COPY))
    stack.sh(command(END))
    assert stack.resources() == ["slow"]


def test_every_command_of_the_page_is_run_here() -> None:
    expected = [COPY, LOCK, PENDING, "creating", "creating", *KINDS[1:], END, TORN]
    assert [heading for heading, _ in commands()] == expected
