"""Runs one command of the user's: its output, its failures, its end when nobody waits for it any more."""

import os
import threading
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from infra.local.children import Child, Children
from infra.local.providers.base import Call, CancelledError, ProviderError

DEFAULT_INTERPRETER = ("/bin/sh", "-c")
LOGGED = {"stdout": ("stdout",), "stderr": ("stderr",), "stdoutAndStderr": ("stdout", "stderr"), "none": ()}
TAIL = 2000
"""Characters of its output a failure shows."""


@dataclass(frozen=True)
class Output:
    """What a command wrote, without the last line's end."""

    stdout: str
    stderr: str


@dataclass(frozen=True)
class Job:
    """What to run and how, as the inputs of `command:local:Command` give it."""

    script: str
    interpreter: Sequence[str]
    environment: Mapping[str, str]
    directory: Path
    stdin: str
    logging: Sequence[str]

    @classmethod
    def of(cls, script: str, inputs: Mapping[str, Any], previous: Mapping[str, Any]) -> "Job":
        """The job of `script` under `inputs`; it sees what the command's last run wrote."""
        environment = {key: str(value) for key, value in (inputs.get("environment") or {}).items()}
        if inputs.get("addPreviousOutputInEnv") is not False:
            for stream in ("stdout", "stderr"):
                if isinstance(previous.get(stream), str):
                    environment[f"PULUMI_COMMAND_{stream.upper()}"] = previous[stream]
        return cls(
            script=script,
            interpreter=inputs.get("interpreter") or DEFAULT_INTERPRETER,
            environment=environment,
            directory=Path(inputs.get("dir") or Path.cwd()),
            stdin=inputs.get("stdin") or "",
            logging=LOGGED[inputs.get("logging") or "stdoutAndStderr"],
        )


def run(
    job: Job, children: Children, cancelled: threading.Event, tell: Callable[[str], None], timeout: float | None
) -> Output:
    """Run to the end. Raises `ProviderError` with the tail of the output when it fails or takes too long."""
    if not job.directory.is_dir():
        raise ProviderError(f"dir: {job.directory} is not a directory")
    command = [*job.interpreter, job.script]
    try:
        child = children.start(
            command, cwd=str(job.directory), env={**os.environ, **job.environment}, piped=True, stdin=job.stdin.encode()
        )
    except OSError as error:
        raise ProviderError(f"interpreter: {job.interpreter[0]}: {error.strerror}") from None
    stop = _Stop(child, cancelled, timeout)
    output = _collect(child, job.logging, tell)
    code = child.wait()
    stop.finished.set()
    if stop.reason:
        raise CancelledError("cancelled") if cancelled.is_set() else ProviderError(f"{stop.reason}: {_tail(output)}")
    if code:
        raise ProviderError(f"exit status {code}: {job.script}: {_tail(output)}")
    return output


class _Stop:
    """Ends the command when it is cancelled or late."""

    def __init__(self, child: Child, cancelled: threading.Event, timeout: float | None) -> None:
        self.finished = threading.Event()
        self.reason = ""
        threading.Thread(target=self._watch, args=(child, cancelled), daemon=True).start()
        if timeout:
            timer = threading.Timer(timeout, self._end, (child, f"not done after {timeout:.0f} s"))
            timer.daemon = True
            timer.start()

    def _watch(self, child: Child, cancelled: threading.Event) -> None:
        while not self.finished.wait(0.2):
            if cancelled.is_set():
                self._end(child, "cancelled")
                return

    def _end(self, child: Child, reason: str) -> None:
        if not self.finished.is_set():
            self.reason = reason
            child.end()


def _collect(child: Child, logged: Sequence[str], tell: Callable[[str], None]) -> Output:
    chunks: dict[str, list[bytes]] = defaultdict(list)
    for stream, chunk in child.output():
        chunks[stream].append(chunk)
        if stream in logged:
            tell(chunk.decode(errors="replace").rstrip("\n"))
    stdout, stderr = (
        b"".join(chunks[name]).decode(errors="replace").removesuffix("\n") for name in ("stdout", "stderr")
    )
    return Output(stdout, stderr)


def _tail(output: Output) -> str:
    return (output.stderr or output.stdout)[-TAIL:] or "it wrote nothing"


def teller(call: Call) -> Callable[[str], None]:
    """Shows the output as the resource's status, unless an input is secret: the command may echo it."""
    return (lambda _: None) if call.secret_inputs else call.log
