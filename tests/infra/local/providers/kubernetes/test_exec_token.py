"""Tokens of a kubeconfig's `exec` user."""

import json
import subprocess
import sys
import threading
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest
import yaml

from infra.local.providers.base import ProviderError
from infra.local.providers.kubernetes import exec_token
from infra.local.providers.kubernetes.cluster import Cluster
from infra.local.providers.kubernetes.exec_token import ExecError, ExecUser
from infra.local.providers.kubernetes.kubeconfig import KubeconfigError, load

ARGS = ["eks-token", "--region", "us-east-1", "--cluster", "c"]
KEYS = [{"name": "AWS_ACCESS_KEY_ID", "value": "k"}, {"name": "AWS_SECRET_ACCESS_KEY", "value": "s"}]
SECTION: dict[str, Any] = {"command": "moltghost", "args": ARGS, "env": KEYS}


def answer(token: str, left: timedelta) -> str:
    expires = (datetime.now(UTC) + left).strftime("%Y-%m-%dT%H:%M:%SZ")
    return json.dumps({"status": {"token": token, "expirationTimestamp": expires}})


def counting(left: timedelta) -> ExecUser:
    made = iter(range(9))

    def run(arguments: Sequence[str], environment: Mapping[str, str]) -> str:
        assert arguments == ARGS
        assert environment["AWS_ACCESS_KEY_ID"] == "k"
        return answer(f"t{next(made)}", left)

    return ExecUser(SECTION, run)


def test_a_token_is_kept_until_it_is_about_to_run_out() -> None:
    lasting, ending = counting(timedelta(minutes=14)), counting(timedelta(seconds=30))
    assert [lasting.token(), lasting.token()] == ["t0", "t0"]
    assert [ending.token(), ending.token()] == ["t0", "t1"]


@pytest.mark.parametrize(
    "section",
    [
        {"command": "aws", "args": ARGS},
        {"command": "moltghost", "args": ["down"]},
        {"command": "./moltghost", "args": ARGS},
    ],
)
def test_no_other_command_is_run(section: dict[str, Any]) -> None:
    with pytest.raises(ExecError, match="is not run here"):
        ExecUser(section)


def test_what_is_no_credential_is_refused_and_not_shown() -> None:
    with pytest.raises(ExecError, match="no ExecCredential") as refused:
        ExecUser(SECTION, lambda *_: "k8s-aws-v1.hidden").token()
    assert "hidden" not in str(refused.value)


def test_the_real_command_gives_a_token() -> None:
    assert ExecUser(SECTION).token().startswith("k8s-aws-v1.")


def test_its_failure_is_told(tmp_path: Any) -> None:
    nowhere = [{"name": "AWS_EC2_METADATA_DISABLED", "value": "true"}, {"name": "HOME", "value": str(tmp_path)}]
    with pytest.raises(ExecError, match="no AWS credentials"):
        ExecUser(SECTION | {"env": nowhere}).token()


def test_one_that_hangs_is_ended(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(exec_token, "TIMEOUT_S", 0.01)
    with pytest.raises(ExecError, match="within"):
        ExecUser(SECTION).token()


class Echo(BaseHTTPRequestHandler):
    """Keeps what requests prove themselves with."""

    seen: list[str | None]

    def do_GET(self) -> None:
        self.seen.append(self.headers.get("Authorization"))
        body = b'{"resources": [{"kind": "Pod", "name": "pods", "namespaced": true}]}'
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: Any) -> None:
        """Say nothing."""


def kubeconfig(server: str, section: dict[str, Any]) -> str:
    return yaml.safe_dump(
        {
            "current-context": "a",
            "contexts": [{"name": "a", "context": {"cluster": "c", "user": "u"}}],
            "clusters": [{"name": "c", "cluster": {"server": server}}],
            "users": [{"name": "u", "user": {"exec": section}}],
        }
    )


def test_requests_carry_the_token() -> None:
    Echo.seen = []
    server = ThreadingHTTPServer(("127.0.0.1", 0), Echo)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        access = load(kubeconfig(f"http://127.0.0.1:{server.server_port}", SECTION))
        assert Cluster(access).resource("v1", "Pod")
    finally:
        server.shutdown()
        server.server_close()
    assert [str(one)[:18] for one in Echo.seen] == ["Bearer k8s-aws-v1."]


def test_without_a_token_no_request_is_made(tmp_path: Any) -> None:
    section = SECTION | {
        "env": [{"name": "AWS_EC2_METADATA_DISABLED", "value": "true"}, {"name": "HOME", "value": str(tmp_path)}]
    }
    with pytest.raises(ProviderError, match="no AWS credentials"):
        Cluster(load(kubeconfig("http://127.0.0.1:1", section))).resource("v1", "Pod")


def test_a_kubeconfig_with_another_command_is_refused() -> None:
    with pytest.raises(KubeconfigError, match=r"users\[\]\.user\.exec\.command"):
        load(kubeconfig("http://127.0.0.1:1", {"command": sys.executable}))


@pytest.mark.parametrize(
    ("sts", "given"), [("http://127.0.0.1:5", True), ("https://sts.amazonaws.com", False), ("", False)]
)
def test_a_persons_credentials_go_to_an_sts_of_this_machine_alone(
    monkeypatch: pytest.MonkeyPatch, sts: str, given: bool
) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL_STS", sts)
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "s")
    seen: dict[str, str] = {}

    def run(*_: Any, env: dict[str, str], **__: Any) -> subprocess.CompletedProcess[str]:
        seen.update(env)
        return subprocess.CompletedProcess([], 0, answer("t", timedelta(minutes=14)), "")

    monkeypatch.setattr(subprocess, "run", run)
    ExecUser({"command": "moltghost", "args": ARGS}).token()
    assert ("AWS_SECRET_ACCESS_KEY" in seen) is given
