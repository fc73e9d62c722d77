"""Which edge tokens are believed, and which never."""

import base64
import json
import time
from dataclasses import dataclass
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives import serialization
from hypothesis import given
from hypothesis import strategies as st
from jwt.algorithms import OKPAlgorithm

from runtime.contract import token as contract
from runtime.http import edge_token
from runtime.http.edge_token import KeysError, TokenError, TokenVerifier, load_keys
from tests.runtime.edge import Edge, claims

EDGE = Edge()
VERIFIER = TokenVerifier(load_keys(EDGE.jwks))


@dataclass(frozen=True)
class FromNow:
    """A time, counted from when the test runs."""

    seconds: float


def test_a_good_token_says_who_may_reach_which_agent() -> None:
    believed = VERIFIER.verify(EDGE.token("acme", "helper"))
    assert (believed.tenant, believed.agent, believed.key, believed.request) == ("acme", "helper", "default", "r-1")


@pytest.mark.parametrize(
    "changes",
    [
        {"iss": "someone"},
        {"iss": None},
        {"aud": None},
        {"aud": "globex/helper"},
        {"aud": "acme/"},
        {"aud": "acme"},
        {"aud": "acme/helper/more"},
        {"aud": "acme/../helper"},
        {"aud": ["acme/helper"]},
        {"tid": None},
        {"tid": ""},
        {"tid": "globex"},
        {"tid": 7},
        {"key": None},
        {"rid": None},
        {"exp": None},
        {"iat": None},
        {"exp": FromNow(-60), "iat": FromNow(-90)},
        {"exp": FromNow(90), "iat": FromNow(60)},
        {"exp": FromNow(contract.LIFETIME_S + 30)},
        {"exp": "soon"},
        {"exp": float("inf")},
        {"exp": float("nan")},
        {"exp": FromNow(10.5)},
        {"iat": True},
    ],
    ids=str,
)
def test_a_claim_that_is_off_is_refused(changes: dict[str, Any]) -> None:
    now = int(time.time())
    claimed: dict[str, Any] = {
        name: now + value.seconds if isinstance(value, FromNow) else value for name, value in changes.items()
    }
    with pytest.raises(TokenError):
        VERIFIER.verify(EDGE.token(**claimed))


def test_a_token_that_lives_exactly_as_long_as_it_may_is_believed() -> None:
    now = int(time.time())
    VERIFIER.verify(EDGE.token(iat=now, exp=now + contract.LIFETIME_S))
    with pytest.raises(TokenError, match="lives longer"):
        VERIFIER.verify(EDGE.token(iat=now, exp=now + contract.LIFETIME_S + 1))


def test_another_key_under_a_known_kid_is_refused() -> None:
    with pytest.raises(TokenError, match="InvalidSignatureError"):
        VERIFIER.verify(Edge().token())


@pytest.mark.parametrize("headers", [{}, {"kid": "other"}, {"kid": None}, {"kid": 1}, {"kid": ["k1"]}], ids=str)
def test_a_token_must_name_a_key_we_know(headers: dict[str, Any]) -> None:
    body = EDGE.token().split(".")
    body[0] = _encode({"alg": "EdDSA", "typ": "JWT", **headers})
    with pytest.raises(TokenError):
        VERIFIER.verify(".".join(body))


def test_no_signature_at_all_is_refused() -> None:
    unsigned = f"{_encode({'alg': 'none', 'kid': 'k1'})}.{_encode(claims())}."
    with pytest.raises(TokenError):
        VERIFIER.verify(unsigned)


def test_the_public_key_is_no_shared_secret() -> None:
    public = EDGE.private.public_key()
    raw = public.public_bytes(serialization.Encoding.Raw, serialization.PublicFormat.Raw)
    forged = jwt.encode(claims(), raw, algorithm="HS256", headers={"kid": "k1"})
    with pytest.raises(TokenError):
        VERIFIER.verify(forged)


def test_two_keys_are_live_while_one_replaces_the_other() -> None:
    old, new = Edge("old"), Edge("new")
    both = TokenVerifier(load_keys(json.dumps({"keys": [old.jwk, new.jwk]})))
    assert both.verify(old.token()).tenant == both.verify(new.token()).tenant == "acme"
    with pytest.raises(TokenError):
        TokenVerifier(load_keys(new.jwks)).verify(old.token())


def test_a_verified_token_is_not_verified_twice(monkeypatch: pytest.MonkeyPatch) -> None:
    verifier, token = TokenVerifier(load_keys(EDGE.jwks)), EDGE.token()
    first = verifier.verify(token)
    monkeypatch.setattr(jwt, "decode", _must_not_be_called)
    assert verifier.verify(token) is first


def test_a_remembered_token_expires() -> None:
    now = [time.time()]
    verifier, token = TokenVerifier(load_keys(EDGE.jwks), clock=lambda: now[0]), EDGE.token()
    expires = verifier.verify(token).expires
    now[0] = expires + contract.LEEWAY_S - 1
    verifier.verify(token)
    now[0] = expires + contract.LEEWAY_S
    with pytest.raises(TokenError, match="expired"):
        verifier.verify(token)


def test_memory_for_tokens_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(edge_token, "CACHED_TOKENS", 2)
    verifier = TokenVerifier(load_keys(EDGE.jwks))
    for number in range(5):
        verifier.verify(EDGE.token(rid=f"r-{number}"))
    assert len(verifier._verified) == 2


@given(st.text(max_size=200))
def test_no_text_at_all_breaks_the_verifier(text: str) -> None:
    with pytest.raises(TokenError):
        VERIFIER.verify(text)


@given(st.integers(min_value=0), st.integers(min_value=1, max_value=255))
def test_one_changed_byte_of_the_signature_is_noticed(at: int, change: int) -> None:
    head, _, signature = EDGE.token().rpartition(".")
    raw = bytearray(base64.urlsafe_b64decode(signature + "=="))
    raw[at % len(raw)] ^= change
    with pytest.raises(TokenError):
        VERIFIER.verify(f"{head}.{base64.urlsafe_b64encode(bytes(raw)).rstrip(b'=').decode()}")


@given(
    st.dictionaries(
        st.sampled_from(["iss", "aud", "tid", "key", "rid", "iat", "exp", "nbf"]),
        st.one_of(st.none(), st.booleans(), st.floats(), st.integers(), st.text(), st.lists(st.text())),
        min_size=1,
    )
)
def test_whatever_the_edge_signs_is_believed_only_for_its_own_tenant(changes: dict[str, Any]) -> None:
    try:
        believed = VERIFIER.verify(EDGE.token(**changes))
    except (TokenError, TypeError):  # TypeError: the library does not sign a token with such an issuer
        return
    signed = claims(**changes)
    assert signed["aud"] == f"{believed.tenant}/{believed.agent}"
    assert signed["tid"] == believed.tenant
    assert signed["exp"] - signed["iat"] <= contract.LIFETIME_S


@pytest.mark.parametrize(
    ("jwks", "message"),
    [
        ("", "not a JWKS"),
        ("[]", "not a JWKS"),
        ('{"keys": []}', "no key"),
        ('{"keys": [1]}', r"keys\[0\]: not an object"),
        (json.dumps({"keys": [{**EDGE.jwk, "kid": ""}]}), r"keys\[0\]: kid is missing"),
        (json.dumps({"keys": [EDGE.jwk, EDGE.jwk]}), r"keys\[1\]: kid is used twice"),
        (json.dumps({"keys": [{**EDGE.jwk, "crv": "Ed448"}]}), "crv Ed25519"),
        (json.dumps({"keys": [{**EDGE.jwk, "x": "AAAA"}]}), "not an Ed25519 public key"),
    ],
)
def test_unusable_keys_are_named(jwks: str, message: str) -> None:
    with pytest.raises(KeysError, match=message):
        load_keys(jwks)


def test_a_private_key_is_refused_and_not_quoted() -> None:
    private = {**json.loads(OKPAlgorithm.to_jwk(EDGE.private)), "kid": "k1"}
    with pytest.raises(KeysError, match="private") as refused:
        load_keys(json.dumps({"keys": [private]}))
    assert private["d"] not in str(refused.value)


def _encode(part: dict[str, Any]) -> str:
    return base64.urlsafe_b64encode(json.dumps(part).encode()).rstrip(b"=").decode()


def _must_not_be_called(*args: object, **kwargs: object) -> None:
    raise AssertionError("verified again")
