"""What an EKS cluster's API server knows its caller by."""

import base64
import json
from datetime import UTC, datetime
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import pytest
from botocore.session import Session
from click.testing import CliRunner

from components.cluster.eks_manifests import TOKEN_COMMAND, build_kubeconfig
from infra.cli import COMMANDS, main
from infra.eks_token import PREFIX, exec_credential, make_token

SECRET = "a secret key nobody may see"


@pytest.fixture
def signed_in(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "AKIDEXAMPLE")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", SECRET)
    monkeypatch.delenv("AWS_SESSION_TOKEN", raising=False)


def request_in(token: str) -> str:
    """The request a token is."""
    assert token.startswith(PREFIX)
    assert "=" not in token
    text = token.removeprefix(PREFIX)
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4)).decode()


@pytest.mark.usefixtures("signed_in")
def test_a_token_is_a_signed_question_to_sts_about_its_caller() -> None:
    url = urlsplit(request_in(make_token(Session(), "ap-southeast-1", "sin")))
    asked = {name: values[0] for name, values in parse_qs(url.query).items()}
    assert (url.scheme, url.netloc) == ("https", "sts.ap-southeast-1.amazonaws.com")
    assert asked["Action"] == "GetCallerIdentity"
    assert asked["X-Amz-SignedHeaders"] == "host;x-k8s-aws-id"
    assert asked["X-Amz-Expires"] == "60"
    assert asked["X-Amz-Credential"].startswith("AKIDEXAMPLE/")
    assert asked["X-Amz-Credential"].endswith("/ap-southeast-1/sts/aws4_request")


@pytest.mark.usefixtures("signed_in")
def test_a_token_for_one_cluster_is_none_for_another() -> None:
    def signature(cluster: str) -> str:
        request = request_in(make_token(Session(), "ap-southeast-1", cluster))
        return parse_qs(urlsplit(request).query)["X-Amz-Signature"][0]

    assert signature("sin") != signature("jkt")


@pytest.mark.usefixtures("signed_in")
def test_a_region_of_another_partition_has_another_domain() -> None:
    assert urlsplit(request_in(make_token(Session(), "cn-north-1", "c"))).hostname == "sts.cn-north-1.amazonaws.com.cn"


@pytest.mark.usefixtures("signed_in")
def test_an_endpoint_of_the_environment_is_used(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL_STS", "http://127.0.0.1:5000")
    assert request_in(make_token(Session(), "us-east-1", "c")).startswith("http://127.0.0.1:5000/?Action=")


@pytest.mark.usefixtures("signed_in")
def test_the_command_prints_an_exec_credential_and_no_secret() -> None:
    done = CliRunner().invoke(main, ["eks-token", "--region", "us-east-1", "--cluster", "c"], catch_exceptions=False)
    said = json.loads(done.output)
    assert (said["apiVersion"], said["kind"]) == ("client.authentication.k8s.io/v1", "ExecCredential")
    assert said["status"]["token"].startswith(PREFIX)
    assert SECRET not in done.output


def test_it_runs_out_before_the_server_forgets_it() -> None:
    status = exec_credential("t", datetime(2026, 1, 1, 12, tzinfo=UTC))["status"]
    assert status == {"expirationTimestamp": "2026-01-01T12:14:00Z", "token": "t"}


def test_who_has_no_credentials_is_told_how_to_give_some(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_PROFILE"):
        monkeypatch.delenv(name, raising=False)
    for name in ("AWS_CONFIG_FILE", "AWS_SHARED_CREDENTIALS_FILE"):
        monkeypatch.setenv(name, f"{tmp_path}/none")
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    done = CliRunner().invoke(main, ["eks-token", "--region", "us-east-1", "--cluster", "c"])
    assert done.exit_code == 1
    assert "no AWS credentials were found; set AWS_PROFILE" in done.output


def test_a_kubeconfig_names_a_command_there_is() -> None:
    program, command = TOKEN_COMMAND
    assert (program, command in COMMANDS) == ("moltghost", True)
    assert command in build_kubeconfig("sin", "https://api.test", "bm9ib2R5", "ap-southeast-1")
