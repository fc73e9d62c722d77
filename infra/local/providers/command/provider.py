# ruff: noqa: ARG002 - handlers share one signature, and most need only a part of it
"""The package `command`: `local:Command` and `local:run`; nothing is run on other machines."""

import threading
import uuid
from collections.abc import Mapping
from typing import Any

from infra.local.children import Children
from infra.local.providers.base import Call, Failure, InvalidInputsError, Kind, Live, Provider, ProviderError
from infra.local.providers.command.running import LOGGED, Job, run, teller
from infra.local.providers.properties import UNKNOWN, Properties, Secret

OUTPUTS = ("stdout", "stderr")


class LocalCommand(Kind):
    """`command:local:Command`: runs `create`, on a change `update` (or `create` again), at the end `delete`."""

    computed = OUTPUTS
    replace_on = ("triggers",)

    def __init__(self, children: Children) -> None:
        self.children = children

    def check(self, call: Call, inputs: Properties, old_inputs: Properties) -> Properties:
        failures = [
            Failure((field,), "is not supported by the local provider: read the files in the program instead")
            for field in ("assetPaths", "archivePaths")
            if inputs.get(field)
        ]
        logging = inputs.get("logging")
        if isinstance(logging, str) and logging not in LOGGED:
            failures.append(Failure(("logging",), f"is {logging!r}, none of {', '.join(LOGGED)}"))
        if failures:
            raise InvalidInputsError(failures)
        return inputs

    def preview_update(self, call: Call, state: Properties, old_inputs: Properties, inputs: Properties) -> Properties:
        rerun = self._reruns(old_inputs, inputs)
        return dict(inputs) | {name: UNKNOWN if rerun else state.get(name) for name in OUTPUTS}

    def create(self, call: Call, inputs: Properties) -> Live:
        return Live(uuid.uuid4().hex, self._run(call, inputs.get("create"), inputs, {}))

    def update(self, call: Call, state: Properties, old_inputs: Properties, inputs: Properties) -> Properties:
        if not self._reruns(old_inputs, inputs):
            return dict(inputs) | {name: state.get(name) for name in OUTPUTS}
        return self._run(call, inputs.get("update") or inputs.get("create"), inputs, state)

    def read(self, call: Call, state: Properties, inputs: Properties) -> Live | None:
        """A command leaves nothing to look at: what was recorded is what there is."""
        if not inputs:
            raise ProviderError(f"{call.type}: a command can't be imported, nothing of it can be read")
        return Live(call.id, state, inputs)

    def delete(self, call: Call, state: Properties, inputs: Properties) -> None:
        if inputs.get("delete"):
            self._run(call, inputs["delete"], inputs, state)

    def _reruns(self, old_inputs: Properties, inputs: Properties) -> bool:
        ignored = ("delete", "logging")
        return any(old_inputs.get(key) != inputs.get(key) for key in {*old_inputs, *inputs} if key not in ignored)

    def _run(self, call: Call, script: str | None, inputs: Properties, previous: Properties) -> Properties:
        if not script:
            return dict(inputs) | dict.fromkeys(OUTPUTS, "")
        output = run(Job.of(script, inputs, previous), self.children, call.cancelled, teller(call), call.timeout)
        texts: Properties = {"stdout": output.stdout, "stderr": output.stderr}
        if call.secret_inputs:
            texts = {name: Secret(text) for name, text in texts.items()}
        return dict(inputs) | texts


class CommandProvider(Provider):
    """Runs what it is given as the user who runs the engine."""

    name = "command"
    version = "1.2.1"

    def __init__(self) -> None:
        self.children = Children()

    def kind(self, token: str) -> Kind:
        if token == "command:local:Command":  # noqa: S105 - a type's name
            return LocalCommand(self.children)
        raise ProviderError(f"{token}: the local command provider runs command:local:Command only; nothing over SSH")

    def invoke(self, token: str, args: Properties) -> Mapping[str, Any]:
        if token != "command:local:run":  # noqa: S105 - a function's name
            return super().invoke(token, args)
        output = run(Job.of(args["command"], args, {}), self.children, threading.Event(), lambda _: None, None)
        return dict(args) | {"stdout": output.stdout, "stderr": output.stderr}

    def close(self) -> None:
        self.children.kill()
