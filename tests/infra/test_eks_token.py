"""The token of an EKS cluster."""

import base64
import json
from datetime import UTC, datetime
from urllib.parse import parse_qs, urlsplit

import pytest
from botocore.session import Session
from click.testing import CliRunner

from infra.cli import main
from infra.eks_token import PREFIX, exec_credential, make_token


@pytest.fixture
def _keys(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "AKIDEXAMPLE")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "made-up")


def url_in(token: str) -> str:
    text = token.removeprefix(PREFIX)
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4)).decode()


@pytest.mark.usefixtures("_keys")
def test_it_is_a_presigned_request_bound_to_the_cluster() -> None:
    token = make_token(Session(), "ap-southeast-1", "sin")
    parts = urlsplit(url_in(token))
    query = {name: values[0] for name, values in parse_qs(parts.query).items()}
    assert token.startswith(PREFIX)
    assert "=" not in token
    assert (parts.scheme, parts.netloc) == ("https", "sts.ap-southeast-1.amazonaws.com")
    assert query["Action"] == "GetCallerIdentity"
    assert query["X-Amz-SignedHeaders"] == "host;x-k8s-aws-id"
    assert query["X-Amz-Credential"].endswith("/ap-southeast-1/sts/aws4_request")


@pytest.mark.usefixtures("_keys")
def test_an_endpoint_of_the_environment_is_used(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL_STS", "http://127.0.0.1:5000")
    assert url_in(make_token(Session(), "us-east-1", "c")).startswith("http://127.0.0.1:5000/?Action=")


@pytest.mark.usefixtures("_keys")
def test_the_command_prints_an_exec_credential() -> None:
    done = CliRunner().invoke(main, ["eks-token", "--region", "us-east-1", "--cluster", "c"])
    said = json.loads(done.output)
    assert said["apiVersion"] == "client.authentication.k8s.io/v1"
    assert said["kind"] == "ExecCredential"
    assert said["status"]["token"].startswith(PREFIX)


def test_it_runs_out_before_the_server_forgets_it() -> None:
    status = exec_credential("t", datetime(2026, 1, 1, 12, tzinfo=UTC))["status"]
    assert status == {"expirationTimestamp": "2026-01-01T12:14:00Z", "token": "t"}


def test_without_credentials_it_says_what_to_do(monkeypatch: pytest.MonkeyPatch, tmp_path: object) -> None:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_PROFILE"):
        monkeypatch.delenv(name, raising=False)
    for name in ("AWS_CONFIG_FILE", "AWS_SHARED_CREDENTIALS_FILE"):
        monkeypatch.setenv(name, f"{tmp_path}/none")
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    done = CliRunner().invoke(main, ["eks-token", "--region", "us-east-1", "--cluster", "c"])
    assert done.exit_code == 1
    assert "AWS_PROFILE" in done.output
