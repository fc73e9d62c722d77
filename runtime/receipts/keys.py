"""The keys receipts are signed and verified with."""

import base64
import hashlib
import json
from typing import Any

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import load_pem_public_key

_KEY_BYTES = 32
_PUBLIC_HALF = "give its public half: openssl pkey -in KEY.pem -pubout"


class KeyFormatError(ValueError):
    """Text holds no public key that can be used; the message says what is wrong and never quotes it."""


def public_jwk(key: Ed25519PublicKey) -> dict[str, str]:
    """The key as a JWK (RFC 8037), with its thumbprint as `kid`."""
    return {**_thumbprint_members(key), "kid": key_id(key), "alg": "EdDSA", "use": "sig"}


def key_id(key: Ed25519PublicKey) -> str:
    """The key's thumbprint (RFC 7638): SHA-256, in base64url without padding."""
    members = json.dumps(_thumbprint_members(key), sort_keys=True, separators=(",", ":"))
    return base64url(hashlib.sha256(members.encode()).digest())


def load_public_keys(text: str) -> dict[str, Ed25519PublicKey]:
    """The public keys in PEM, in a JWK or in a JWKS, by their thumbprints. Raises KeyFormatError."""
    if text.lstrip().startswith("{"):
        keys = _from_json(text)
    elif "PRIVATE KEY" in text:
        raise KeyFormatError(f"is a private key; {_PUBLIC_HALF}")
    else:
        keys = [_from_pem(text)]
    return {key_id(key): key for key in keys}


def _thumbprint_members(key: Ed25519PublicKey) -> dict[str, str]:
    return {"crv": "Ed25519", "kty": "OKP", "x": base64url(key.public_bytes_raw())}


def base64url(raw: bytes) -> str:
    """Bytes in base64url without padding."""
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


def from_base64url(text: str) -> bytes:
    """The bytes of base64url without padding; what is not of its alphabet is passed over. Raises ValueError."""
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


def _from_pem(text: str) -> Ed25519PublicKey:
    try:
        key = load_pem_public_key(text.encode())
    except (ValueError, UnsupportedAlgorithm):
        raise KeyFormatError("is neither a public key in PEM nor a JWK nor a JWKS") from None
    if not isinstance(key, Ed25519PublicKey):
        raise KeyFormatError("is no Ed25519 key")
    return key


def _from_json(text: str) -> list[Ed25519PublicKey]:
    try:
        document = json.loads(text)
    except (ValueError, RecursionError):
        raise KeyFormatError("is not JSON") from None
    members = document.get("keys", [document])
    if not isinstance(members, list) or not members:
        raise KeyFormatError("is a JWKS that holds no key")
    return [_from_jwk(member) for member in members]


def _from_jwk(member: Any) -> Ed25519PublicKey:
    if not isinstance(member, dict) or member.get("kty") != "OKP" or member.get("crv") != "Ed25519":
        raise KeyFormatError("is no Ed25519 key: expected kty OKP and crv Ed25519")
    if "d" in member:
        raise KeyFormatError(f"is a private key; {_PUBLIC_HALF}")
    x = member.get("x")
    try:
        raw = from_base64url(x) if isinstance(x, str) else b""
    except ValueError:
        raw = b""
    if len(raw) != _KEY_BYTES:
        raise KeyFormatError(f"has an x that is not {_KEY_BYTES} bytes in base64url")
    return Ed25519PublicKey.from_public_bytes(raw)
