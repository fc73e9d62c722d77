"""Verifying the edge token: who may reach which agent, signed by the edge."""

import hashlib
import json
import re
import time
from collections import OrderedDict
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import jwt
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from runtime.contract import token as contract

CACHED_TOKENS = 10_000
"""Most verified tokens kept; the oldest goes first."""

_NAME = re.compile(r"[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?")


class TokenError(Exception):
    """A token that must not be believed; the message says why and never quotes it."""


class KeysError(ValueError):
    """The JWKS given cannot be used; the message says what is wrong with it and never quotes a key."""


@dataclass(frozen=True)
class EdgeClaims:
    """What a believed token says. `expires` is in seconds since the epoch, before any leeway."""

    tenant: str
    agent: str
    key: str
    request: str
    expires: int


def load_keys(jwks: str) -> dict[str, Ed25519PublicKey]:
    """The public keys of a JWKS by their `kid`. Raises KeysError."""
    try:
        members = json.loads(jwks)["keys"]
    except (ValueError, KeyError, TypeError):
        raise KeysError('not a JWKS: expected {"keys": [...]}') from None
    if not isinstance(members, list) or not members:
        raise KeysError("the JWKS holds no key")
    keys: dict[str, Ed25519PublicKey] = {}
    for at, member in enumerate(members):
        kid, key = _load_key(at, member)
        if kid in keys:
            raise KeysError(f"keys[{at}]: kid is used twice")
        keys[kid] = key
    return keys


def _load_key(at: int, member: object) -> tuple[str, Ed25519PublicKey]:
    if not isinstance(member, dict):
        raise KeysError(f"keys[{at}]: not an object")
    kid = member.get("kid")
    if not isinstance(kid, str) or not kid:
        raise KeysError(f"keys[{at}]: kid is missing")
    if member.get("kty") != "OKP" or member.get("crv") != "Ed25519":
        raise KeysError(f"keys[{at}]: expected kty OKP and crv Ed25519")
    if "d" in member:
        raise KeysError(f"keys[{at}]: is a private key; give its public half")
    try:
        key = jwt.PyJWK(member, algorithm=contract.ALGORITHM).key
    except jwt.PyJWTError:
        raise KeysError(f"keys[{at}]: x is not an Ed25519 public key") from None
    return kid, key


class TokenVerifier:
    """Believes tokens signed by one of `keys`, and remembers those it has verified until they expire."""

    def __init__(self, keys: Mapping[str, Ed25519PublicKey], clock: Callable[[], float] = time.time) -> None:
        self._keys = dict(keys)
        self._clock = clock
        self._verified: OrderedDict[bytes, EdgeClaims] = OrderedDict()

    def verify(self, token: str) -> EdgeClaims:
        """The claims of `token`. Raises TokenError."""
        digest = hashlib.sha256(token.encode("utf-8", "surrogateescape")).digest()
        claims = self._verified.get(digest)
        if claims is None:
            claims = self._check(token)
            self._remember(digest, claims)
        elif claims.expires + contract.LEEWAY_S <= self._clock():
            del self._verified[digest]
            raise TokenError("expired")
        return claims

    def _remember(self, digest: bytes, claims: EdgeClaims) -> None:
        self._verified[digest] = claims
        if len(self._verified) > CACHED_TOKENS:
            self._verified.popitem(last=False)

    def _check(self, token: str) -> EdgeClaims:
        try:
            header = jwt.get_unverified_header(token)
            key = self._keys.get(header.get("kid", ""))
            if key is None:
                raise TokenError("signed by no key we know")
            payload = jwt.decode(
                token,
                key,
                algorithms=[contract.ALGORITHM],
                issuer=contract.ISSUER,
                leeway=contract.LEEWAY_S,
                # The audience depends on the claims themselves: `_read` compares them.
                options={"require": ["iss", "aud", "iat", "exp"], "verify_aud": False},
            )
        except jwt.PyJWTError as error:
            raise TokenError(type(error).__name__) from None
        except (ValueError, TypeError, OverflowError):
            raise TokenError("malformed") from None
        return _read(payload)


def _read(payload: Mapping[str, Any]) -> EdgeClaims:
    """The claims of a payload whose signature is good. Raises TokenError."""
    issued, expires = payload["iat"], payload["exp"]
    if type(issued) is not int or type(expires) is not int:
        raise TokenError("iat and exp must be whole seconds")
    if not 0 < expires - issued <= contract.LIFETIME_S:
        raise TokenError(f"lives longer than {contract.LIFETIME_S} s")
    tenant = _text(payload, contract.CLAIM_TENANT)
    aud = _text(payload, "aud")
    agent = aud.removeprefix(contract.audience(tenant, ""))
    if not _NAME.fullmatch(tenant) or not _NAME.fullmatch(agent) or contract.audience(tenant, agent) != aud:
        raise TokenError("the audience is not an agent of the token's tenant")
    return EdgeClaims(
        tenant, agent, _text(payload, contract.CLAIM_KEY), _text(payload, contract.CLAIM_REQUEST), expires
    )


def _text(payload: Mapping[str, Any], claim: str) -> str:
    value = payload.get(claim)
    if not isinstance(value, str) or not value:
        raise TokenError(f"{claim} is missing")
    return value
