"""Tokens of a kubeconfig's `exec` user. Only this project's own command is run: a kubeconfig must start no other."""

import json
import os
import subprocess
import sys
import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from infra.loopback import is_loopback_http

COMMAND = "moltghost"
VERB = "eks-token"
TIMEOUT_S = 30
SPARE = timedelta(minutes=1)
"""A token is renewed this long before it runs out."""
INHERITED = ("HOME", "LANG", "LC_ALL", "PATH", "TMPDIR")
"""What the command gets of the caller's environment; its credentials are those the kubeconfig names."""
STS_ENDPOINT = "AWS_ENDPOINT_URL_STS"
LOCAL = ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN", STS_ENDPOINT)
"""What it gets too where STS is played on this machine: a person's own credentials are for no server of that kind."""
_FAILURE_LINES = 3


class ExecError(Exception):
    """No token could be had of an `exec` user; the text names the field."""


@dataclass(frozen=True)
class _Token:
    value: str
    expires: datetime | None


Runner = Callable[[Sequence[str], Mapping[str, str]], str]


class ExecUser:
    """One `exec` user; `token` is cached until shortly before it runs out."""

    def __init__(self, section: Mapping[str, Any], run: Runner | None = None) -> None:
        arguments = [str(one) for one in section.get("args") or ()]
        if section.get("command") != COMMAND or arguments[:1] != [VERB]:
            raise ExecError(
                f"users[].user.exec.command: {section.get('command')!r} is not run here; "
                f"use `{COMMAND} {VERB}`, a token or a certificate"
            )
        self._arguments = arguments
        self._environment = {one["name"]: str(one["value"]) for one in section.get("env") or ()}
        self._run = run or run_own
        self._lock = threading.Lock()
        self._cached: _Token | None = None

    def token(self) -> str:
        """A token that is good for a minute at least. Raises ExecError."""
        with self._lock:
            cached, now = self._cached, datetime.now(UTC)
            if cached is None or cached.expires is None or cached.expires - SPARE <= now:
                cached = self._cached = _parse(self._run(self._arguments, self._environment))
            return cached.value


def run_own(arguments: Sequence[str], environment: Mapping[str, str]) -> str:
    """Standard output of this project's command line. Raises ExecError."""
    names = (*INHERITED, *LOCAL) if is_loopback_http(os.environ.get(STS_ENDPOINT, "")) else INHERITED
    kept = {name: os.environ[name] for name in names if name in os.environ}
    code = "from infra.cli import main; main()"
    try:
        done = subprocess.run(
            [sys.executable, "-P", "-c", code, *arguments],
            env={**kept, **environment},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=TIMEOUT_S,
            check=False,
        )
    except subprocess.TimeoutExpired:
        raise ExecError(f"users[].user.exec: `{COMMAND} {VERB}` gave no token within {TIMEOUT_S} s") from None
    if done.returncode:
        reason = " ".join(done.stderr.strip().splitlines()[-_FAILURE_LINES:])
        raise ExecError(f"users[].user.exec: `{COMMAND} {VERB}` failed: {reason}")
    return done.stdout


def _parse(text: str) -> _Token:
    try:
        status = json.loads(text)["status"]
        expires = status.get("expirationTimestamp")
        return _Token(str(status["token"]), datetime.fromisoformat(expires) if expires else None)
    except (ValueError, KeyError, TypeError, AttributeError):  # its text may hold a token: it isn't shown
        raise ExecError(f"users[].user.exec: `{COMMAND} {VERB}` printed no ExecCredential") from None
