"""The Pulumi engine as the local region runs it: own backend, own home, own plugins, and no one else's accounts."""

import json
import os
import secrets
import shutil
import subprocess
import sys
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import yaml

from infra.local.credentials import write_private
from infra.local.engine_state import (
    checkpoint,
    clear_dead_locks,
    has_pending_operations,
    without_pending_operations,
)
from infra.local.language_host import EXEC_VARIABLE
from infra.local.shims import write_shims
from infra.passphrase import FILE_VARIABLE, require_passphrase
from infra.stack_yaml import dump

FOREIGN = ("AWS_", "CLOUDFLARE_", "KUBE", "PULUMI_")
"""Prefixes of environment variables that could lead the local stack to someone's real account or cluster."""
TAIL = 40
"""Lines of output an error carries."""

OnLine = Callable[[str], None]


class EngineError(Exception):
    """The engine ended with an error; the text carries the end of what it printed."""


class Engine:
    """One stack of the program at `project`, its state below `state`, its settings in `config_file`.

    `own` are variables of the environment it runs in, beside those that every engine here has.
    """

    def __init__(
        self,
        state: Path,
        config_file: Path,
        project: Path,
        pulumi: Path,
        stack: str = "dev",
        own: Mapping[str, str] | None = None,
    ) -> None:
        self.state, self.config_file = state.resolve(), config_file.resolve()
        self.project, self.pulumi, self.stack = project.resolve(), pulumi, stack
        self.backend = self.state / "pulumi"
        self.home = self.state / "pulumi-home"
        self.passphrase = self.state / "passphrase"
        self.own = dict(own or {})

    @property
    def backend_url(self) -> str:
        """Where the state is. Without metadata: the backend replaces a file in one step, but would write its metadata
        in place, and whoever reads meanwhile, or after a kill, could not read the file.
        """
        return f"file://{self.backend}?metadata=skip"

    @property
    def name(self) -> str:
        """The project's name."""
        return str(yaml.safe_load((self.project / "Pulumi.yaml").read_text())["name"])

    def environment(self) -> dict[str, str]:
        """The environment every command of the engine runs in."""
        kept = {key: value for key, value in os.environ.items() if not key.startswith(FOREIGN)}
        path = [self.state / "bin", Path(sys.executable).parent, self.pulumi.parent, kept.get("PATH", os.defpath)]
        return kept | {
            "PATH": os.pathsep.join(map(str, path)),
            "PULUMI_BACKEND_URL": self.backend_url,
            "PULUMI_HOME": str(self.home),
            FILE_VARIABLE: str(self.passphrase),
            "PULUMI_SKIP_UPDATE_CHECK": "1",
            "PULUMI_DISABLE_AUTOMATIC_PLUGIN_ACQUISITION": "true",
            "PULUMI_PYTHON_CMD": sys.executable,
            EXEC_VARIABLE: str(self.pulumi.with_name("pulumi-language-python-exec")),
            **self.own,
        }

    def prepare(self) -> None:
        """Make the backend, the passphrase, the plugins and the stack; mend what a killed engine left. Idempotent."""
        self.backend.mkdir(parents=True, exist_ok=True)
        if not self.passphrase.exists():
            write_private(self.passphrase, secrets.token_urlsafe(32))
        write_shims(self.state / "bin", self.home, self.state / "logs", self.pulumi)
        self._keep_no_log()
        file = checkpoint(self.backend, self.name, self.stack)
        if not file.exists():
            self._create_stack()
        self.recover()

    def recover(self) -> None:
        """Mend what a killed engine left: its lock, unfinished operations; a live engine's lock stays."""
        self._clear_locks()
        if has_pending_operations(checkpoint(self.backend, self.name, self.stack)):
            exported = self.run(["stack", "export", "--stack", self.stack])
            self.run(["stack", "import", "--stack", self.stack, "--force"], text=without_pending_operations(exported))

    def up(self, *options: str, on_line: OnLine | None = None) -> None:
        """Bring the machine to what the program declares. Raises `EngineError`."""
        self._operate("up", "--yes", "--skip-preview", *options, on_line=on_line)

    def preview(self, *options: str, on_line: OnLine | None = None) -> str:
        """What `up` would do, as the engine words it. Raises `EngineError`."""
        return self._operate("preview", *options, on_line=on_line)

    def preview_json(self, *options: str) -> dict[str, Any]:
        """What `up` would do, as `pulumi preview --json` gives it. Raises `EngineError`."""
        plan: dict[str, Any] = json.loads(self._operate("preview", "--json", *options))
        return plan

    def refresh(self, *options: str, on_line: OnLine | None = None) -> str:
        """Bring the state to what is really there. Raises `EngineError`."""
        return self._operate("refresh", "--yes", "--skip-preview", *options, on_line=on_line)

    def destroy(self, *options: str, on_line: OnLine | None = None) -> None:
        """Delete everything the state holds. Raises `EngineError`."""
        self._operate("destroy", "--yes", "--skip-preview", *options, on_line=on_line)

    def stack_output(self, show_secrets: bool = False) -> dict[str, Any]:
        """The stack's outputs; a secret one is `[secret]` unless asked for."""
        self._clear_locks()
        options = ["--show-secrets"] if show_secrets else []
        outputs: dict[str, Any] = json.loads(self.run(["stack", "output", "--json", "--stack", self.stack, *options]))
        return outputs

    def set_secret(self, key: str, value: str) -> None:
        """Encrypt `value` into the settings file. It goes by standard input: an argument could be read by others."""
        self.run(["config", "set", "--secret", key, *self._where()], text=value)

    def run(self, arguments: Sequence[str], on_line: OnLine | None = None, text: str | None = None) -> str:
        """Run `pulumi` and return its standard output. Each line goes to `on_line` as it comes, those of standard
        error too. `text` is its standard input. Raises `EngineError`, and `EmptyPassphraseError` before it runs.
        """
        require_passphrase(self.environment())
        streaming = on_line is not None
        if streaming and text is not None:
            raise ValueError("a command that is followed line by line takes no standard input")
        with subprocess.Popen(
            [self._program(), *arguments, "--non-interactive", "--color=never"],
            cwd=self.project,
            env=self.environment(),
            text=True,
            stdin=subprocess.DEVNULL if text is None else subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT if streaming else subprocess.PIPE,
        ) as process:
            output, errors = _follow(process, on_line) if on_line else process.communicate(text)
        if process.returncode:
            said = _diagnostics(output) if "--json" in arguments else output
            tail = "\n".join(deque(f"{said}\n{errors}".strip().splitlines(), TAIL))
            raise EngineError(f"pulumi {arguments[0]} ended with exit code {process.returncode}\n{tail}")
        return output

    def _operate(self, command: str, *options: str, on_line: OnLine | None = None) -> str:
        self.recover()
        return self.run([command, *self._where(), *options], on_line)

    def _program(self) -> Path:
        """The engine, by its link beside the language host where there is one."""
        link = self.state / "bin" / "pulumi"
        return link if link.exists() else self.pulumi

    def _keep_no_log(self) -> None:
        """Have the engine keep no log of its own: it would write down all that goes through it, for two thirds of its
        time. It has no option for that, but goes without where it can make no folder for it (`StartLogging` in its
        `pkg/logging/encrypted.go`). What it prints stays.
        """
        logs = self.home / "logs"
        if logs.is_dir():
            shutil.rmtree(logs)
        logs.touch()

    def _clear_locks(self) -> None:
        clear_dead_locks(self.backend, self.name, self.stack)

    def _where(self) -> list[str]:
        return ["--stack", self.stack, "--config-file", str(self.config_file)]

    def _create_stack(self) -> None:
        """`stack init` writes its salt beside Pulumi.yaml: that is done in a folder of our own, not in the project."""
        folder = self.state / "stack-init"
        folder.mkdir(exist_ok=True)
        (folder / "Pulumi.yaml").write_text(dump({"name": self.name, "runtime": "python"}))
        self.run(["stack", "init", "--stack", self.stack, "--no-select", "--cwd", str(folder)])
        made = yaml.safe_load((folder / f"Pulumi.{self.stack}.yaml").read_text()) or {}
        settings = yaml.safe_load(self.config_file.read_text()) if self.config_file.exists() else {}
        if "encryptionsalt" in made and "encryptionsalt" not in (settings or {}):
            salted = {"encryptionsalt": made["encryptionsalt"], **(settings or {})}
            write_private(self.config_file, dump(salted))


def _diagnostics(output: str) -> str:
    """The errors in what `--json` printed; all of it where it isn't JSON."""
    try:
        entries = json.loads(output).get("diagnostics") or ()
    except ValueError:
        return output
    return "\n".join(
        f"{entry.get('urn', '')} {entry['message']}".strip() for entry in entries if entry["severity"] == "error"
    )


def _follow(process: "subprocess.Popen[str]", on_line: OnLine) -> tuple[str, str]:
    """Hand on every line as it comes; on Ctrl-C the engine, which saw it too, may still end in order."""
    lines: list[str] = []
    interrupted = False
    if process.stdout is None:
        raise ValueError("the process has no piped output")
    while True:
        try:
            for line in process.stdout:
                lines.append(line)
                on_line(line.rstrip("\n"))
            process.wait()
            break
        except KeyboardInterrupt:
            interrupted = True
    if interrupted:
        raise KeyboardInterrupt
    return "".join(lines), ""
