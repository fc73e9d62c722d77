"""Whose a cluster's token is, and every token that is nobody's."""

import base64
from datetime import UTC, datetime, timedelta

import pytest
from botocore.session import Session

from infra.eks_token import PREFIX, make_token
from infra.local.aws.eks.reviews import principal, user
from infra.local.aws.eks.tokens import Key, TokenError, caller

STS = "127.0.0.1:5000"
ARN = "arn:aws:sts::123456789012:assumed-role/deployer/me"
SECRET, SESSION = "made-up", "a session"


@pytest.fixture(autouse=True)
def signed_in(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL_STS", f"http://{STS}")
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "AKIDEXAMPLE")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", SECRET)
    monkeypatch.setenv("AWS_SESSION_TOKEN", SESSION)


def known(access: str) -> Key | None:
    return Key(SECRET, ARN, SESSION) if access == "AKIDEXAMPLE" else None


def token(cluster: str = "one") -> str:
    return make_token(Session(), "us-east-1", cluster)


def rewritten(old: str, new: str) -> str:
    """A token whose request says something else."""
    text = token().removeprefix(PREFIX)
    url = base64.urlsafe_b64decode(text + "=" * (-len(text) % 4)).decode()
    assert old in url
    return PREFIX + base64.urlsafe_b64encode(url.replace(old, new).encode()).rstrip(b"=").decode()


def asked(text: str, cluster: str = "one", sts: str = STS, later: timedelta = timedelta()) -> str:
    return caller(text, cluster, sts, known, datetime.now(UTC) + later)


def test_a_token_is_its_signers() -> None:
    assert asked(token()) == ARN
    assert asked(token(), later=timedelta(minutes=14)) == ARN


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("secret", "doesn't begin"),
        (f"{PREFIX}%%%", "not base64"),
        (PREFIX, "another STS"),
    ],
)
def test_what_is_no_token_is_refused(text: str, says: str) -> None:
    with pytest.raises(TokenError, match=says):
        asked(text)


@pytest.mark.parametrize(
    ("old", "new", "says"),
    [
        ("GetCallerIdentity", "AssumeRole", "not a question about its caller"),
        ("http://127.0.0.1:5000/?", "http://127.0.0.1:5001/?", "another STS"),
        ("/?Action", "/x?Action", "another STS"),
        ("?Action", "?X-Amz-Target=a&Action", "says more than it may"),
        ("?Action", "?Action=GetCallerIdentity&Action", "says more than it may"),
        ("AKIDEXAMPLE", "AKIDOTHER", "access key is not known"),
        ("Expires=60", "Expires=90000", "for too long"),
        ("Expires=60", "Expires=61", "signature is wrong"),
        ("host%3Bx-k8s-aws-id", "host", "signed for a cluster"),
        ("%2Fsts%2F", "%2Fs3%2F", "another service"),
        ("us-east-1%2F", "us-east-2%2F", "signature is wrong"),
        ("a%20session", "b%20session", "session is not"),
    ],
)
def test_a_token_that_was_changed_is_refused(old: str, new: str, says: str) -> None:
    with pytest.raises(TokenError, match=says):
        asked(rewritten(old, new))


def test_a_token_for_another_cluster_is_refused() -> None:
    with pytest.raises(TokenError, match="another cluster"):
        asked(token("two"))


@pytest.mark.parametrize("later", [timedelta(minutes=15, seconds=1), timedelta(minutes=-16)])
def test_a_token_of_another_time_is_refused(later: timedelta) -> None:
    with pytest.raises(TokenError, match="run out"):
        asked(token(), later=later)


def test_a_key_that_has_run_out_signs_nothing() -> None:
    over = datetime.now(UTC) - timedelta(seconds=1)
    with pytest.raises(TokenError, match="has run out"):
        caller(token(), "one", STS, lambda _: Key(SECRET, ARN, SESSION, over), datetime.now(UTC))


def test_another_secret_is_another_signature() -> None:
    with pytest.raises(TokenError, match="signature is wrong"):
        caller(token(), "one", STS, lambda _: Key("other", ARN, SESSION), datetime.now(UTC))


def test_no_error_holds_the_token() -> None:
    text = rewritten("Expires=60", "Expires=61")
    with pytest.raises(TokenError) as raised:
        asked(text)
    assert text[-40:] not in str(raised.value)


def test_a_session_is_its_roles() -> None:
    assert principal(ARN) == "arn:aws:iam::123456789012:role/deployer"
    assert principal("arn:aws:iam::123456789012:user/me") == "arn:aws:iam::123456789012:user/me"


def test_a_user_has_the_groups_of_entry_and_policies() -> None:
    policy = "arn:aws:eks::aws:cluster-access-policy/AmazonEKSViewPolicy"
    entry = {
        "principalArn": "arn:aws:iam::123456789012:role/deployer",
        "username": "deployer:{{SessionName}}",
        "kubernetesGroups": ["readers"],
        "policies": {policy: {}},
    }
    found = user(ARN, entry)
    assert found["username"] == "deployer:me"
    assert found["groups"] == ["readers", "eks:access-policy:AmazonEKSViewPolicy"]
