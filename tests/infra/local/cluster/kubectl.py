"""kubectl, for tests."""

import json
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Any


@dataclass(frozen=True)
class Kubectl:
    """Calls one cluster as its administrator."""

    binary: Path
    kubeconfig: Path

    def __call__(self, *arguments: str, stdin: str | None = None) -> str:
        """Standard output; CalledProcessError when kubectl fails."""
        return self.attempt(*arguments, stdin=stdin, check=True).stdout

    def attempt(
        self, *arguments: str, stdin: str | None = None, check: bool = False
    ) -> subprocess.CompletedProcess[str]:
        """The finished process, failed or not."""
        command = [str(self.binary), f"--kubeconfig={self.kubeconfig}", *arguments]
        return subprocess.run(command, input=stdin, capture_output=True, text=True, check=check, timeout=120)

    def apply(self, *objects: dict[str, Any]) -> None:
        """Make the objects."""
        self("apply", "-f", "-", stdin=json.dumps({"apiVersion": "v1", "kind": "List", "items": objects}))

    def get(self, *arguments: str) -> dict[str, Any]:
        """Objects as JSON."""
        found: dict[str, Any] = json.loads(self("get", "-o", "json", *arguments))
        return found

    def shell(self, namespace: str, pod: str, script: str) -> subprocess.CompletedProcess[str]:
        """Run a script in a pod."""
        return self.attempt("-n", namespace, "exec", pod, "--", "sh", "-c", script)
