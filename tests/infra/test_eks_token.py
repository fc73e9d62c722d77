"""What an EKS cluster's API server knows its caller by."""

import base64
import json
from datetime import UTC, datetime, timedelta
from urllib.parse import parse_qs, urlsplit

import pytest
from click.testing import CliRunner

from components.cluster.eks_manifests import TOKEN_COMMAND, build_kubeconfig
from infra.cli import COMMANDS
from infra.eks_token import PREFIX, eks_token, make_token

SECRET = "a secret key nobody may see"


@pytest.fixture
def signed_in(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "AKIDEXAMPLE")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", SECRET)
    monkeypatch.delenv("AWS_SESSION_TOKEN", raising=False)


def request_in(token: str) -> str:
    """The request a token is."""
    text = token.removeprefix(PREFIX)
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4)).decode()


def test_a_token_is_a_signed_question_to_sts_about_its_caller(signed_in: None) -> None:
    result = CliRunner().invoke(eks_token, ["--region", "ap-southeast-1", "--cluster", "sin"], catch_exceptions=False)
    status = json.loads(result.output)["status"]
    url = urlsplit(request_in(status["token"]))
    asked = {name: values[0] for name, values in parse_qs(url.query).items()}
    assert (url.scheme, url.hostname, asked["Action"]) == (
        "https",
        "sts.ap-southeast-1.amazonaws.com",
        "GetCallerIdentity",
    )
    assert asked["X-Amz-SignedHeaders"] == "host;x-k8s-aws-id"
    assert asked["X-Amz-Expires"] == "60"
    assert asked["X-Amz-Credential"].startswith("AKIDEXAMPLE/")
    assert SECRET not in result.output
    left = datetime.fromisoformat(status["expirationTimestamp"]) - datetime.now(UTC)
    assert timedelta(minutes=13) < left < timedelta(minutes=15)


def test_a_token_for_one_cluster_is_none_for_another(signed_in: None) -> None:
    def signature(cluster: str) -> str:
        return parse_qs(urlsplit(request_in(make_token("ap-southeast-1", cluster))).query)["X-Amz-Signature"][0]

    assert signature("sin") != signature("jkt")


def test_a_region_of_another_partition_has_another_domain(signed_in: None) -> None:
    assert urlsplit(request_in(make_token("cn-north-1", "one"))).hostname == "sts.cn-north-1.amazonaws.com.cn"


def test_who_has_no_credentials_is_told_how_to_give_some(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_PROFILE"):
        monkeypatch.delenv(name, raising=False)
    for name in ("AWS_CONFIG_FILE", "AWS_SHARED_CREDENTIALS_FILE"):
        monkeypatch.setenv(name, "/dev/null")
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    result = CliRunner().invoke(eks_token, ["--region", "ap-southeast-1", "--cluster", "sin"])
    assert result.exit_code == 1
    assert "AWS credentials: none are found; set AWS_PROFILE" in result.output


def test_a_kubeconfig_names_a_command_there_is() -> None:
    program, command = TOKEN_COMMAND
    assert (program, command in COMMANDS) == ("moltghost", True)
    assert command in build_kubeconfig("sin", "https://api.test", "bm9ib2R5", "ap-southeast-1")
