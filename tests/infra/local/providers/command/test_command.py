"""Commands really run, and their secrets stay where they belong."""

import threading
from pathlib import Path

import pytest

from infra.local.children import Children
from infra.local.providers.base import Call, InvalidInputsError, ProviderError
from infra.local.providers.command.provider import CommandProvider, LocalCommand
from infra.local.providers.command.running import Job, run
from infra.local.providers.properties import UNKNOWN, Secret

CALL = Call(urn="urn", type="command:local:Command", name="one")


@pytest.fixture
def kind() -> LocalCommand:
    return LocalCommand(Children())


def test_create_update_and_delete_run_their_commands(kind: LocalCommand, tmp_path: Path) -> None:
    inputs = {
        "create": "printf made; cat; echo $WHO >&2",
        "update": "echo was $PULUMI_COMMAND_STDOUT",
        "delete": "touch deleted",
        "dir": str(tmp_path),
        "environment": {"WHO": "me"},
        "stdin": " well",
    }
    live = kind.create(CALL, inputs)
    assert (live.state["stdout"], live.state["stderr"]) == ("made well", "me")
    changed = inputs | {"environment": {"WHO": "you"}}
    assert kind.update(CALL, live.state, inputs, changed)["stdout"] == "was made well"
    kind.delete(CALL, live.state, inputs)
    assert (tmp_path / "deleted").exists()


def test_a_change_of_delete_alone_runs_nothing(kind: LocalCommand) -> None:
    inputs = {"create": "exit 1"}
    state = {"stdout": "before", "stderr": ""}
    assert kind.update(CALL, state, inputs, inputs | {"delete": "true"})["stdout"] == "before"
    assert kind.preview_update(CALL, state, inputs, inputs | {"create": "true"})["stdout"] is UNKNOWN


def test_triggers_replace(kind: LocalCommand) -> None:
    diff = kind.diff(CALL, {"triggers": [1]}, {}, {"triggers": [2]})
    assert diff.replaces == {("triggers", 0)}


def test_output_of_a_secret_input_is_secret(kind: LocalCommand) -> None:
    call = Call(urn="urn", type="command:local:Command", name="one", secret_inputs=True)
    assert isinstance(kind.create(call, {"create": "echo x"}).state["stdout"], Secret)


@pytest.mark.parametrize(
    ("inputs", "says"),
    [
        ({"create": "echo no >&2; exit 3"}, "exit status 3.*: no"),
        ({"create": "true", "dir": "/nowhere"}, "dir: /nowhere"),
        ({"create": "true", "interpreter": ["/nowhere/sh"]}, "interpreter: /nowhere/sh"),
    ],
)
def test_failures_say_why(kind: LocalCommand, inputs: dict[str, object], says: str) -> None:
    with pytest.raises(ProviderError, match=says):
        kind.create(CALL, inputs)


def test_a_late_command_is_ended() -> None:
    with pytest.raises(ProviderError, match="not done after 0 s"):
        run(Job.of("exec sleep 60", {}, {}), Children(), threading.Event(), lambda _: None, 0.2)


def test_a_cancelled_command_is_ended() -> None:
    cancelled = threading.Event()
    cancelled.set()
    with pytest.raises(ProviderError, match="cancelled"):
        run(Job.of("exec sleep 60", {}, {}), Children(), cancelled, lambda _: None, None)


def test_what_is_not_supported_is_named(kind: LocalCommand) -> None:
    with pytest.raises(InvalidInputsError, match="assetPaths"):
        kind.check(CALL, {"assetPaths": ["*"]}, {})
    with pytest.raises(ProviderError, match="command:remote:Command"):
        CommandProvider().kind("command:remote:Command")


def test_run_is_a_function_too() -> None:
    assert CommandProvider().invoke("command:local:run", {"command": "echo hi"})["stdout"] == "hi"
