"""The local region's own secrets: made once, kept in the state folder for its owner's eyes only."""

import base64
import json
import secrets
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from infra.local.files import write_whole
from runtime.contract.edge import hash_api_key

KEY_ID = "local-1"


@dataclass(frozen=True)
class ApiKey:
    """A tenant's API key: the file that holds it, and the keyed hash under which the edge knows it."""

    tenant: str
    id: str
    file: Path
    hash: str


class Credentials:
    """Reads what `folder` holds and makes what it lacks; every file has mode 0600, the folder 0700."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def pepper(self) -> str:
        """The HMAC key API keys are hashed with."""
        return self._once("pepper", lambda: secrets.token_hex(32))

    def signing_key(self) -> str:
        """The private Ed25519 JWK (JSON) edge tokens are signed with."""
        return self._once("edge-signing-key.json", new_signing_key)

    def public_keys(self) -> list[dict[str, str]]:
        """The public JWKs of the signing key, as the gateway and the agents need them."""
        private = json.loads(self.signing_key())
        return [{field: private[field] for field in ("kty", "crv", "kid", "alg", "use", "x")}]

    def api_key(self, tenant: str) -> ApiKey:
        """The tenant's default key, made on first use."""
        name = f"{tenant}.key"
        key = self._once(name, lambda: f"mg_{tenant}_{secrets.token_urlsafe(24)}")
        return ApiKey(tenant, "default", self.folder / name, hash_api_key(self.pepper(), key))

    def _once(self, name: str, make: Any) -> str:
        path = self.folder / name
        if not path.exists():
            self.folder.mkdir(parents=True, exist_ok=True, mode=0o700)
            write_private(path, make())
        return path.read_text()


def new_signing_key() -> str:
    """A fresh private Ed25519 key as JWK (RFC 8037), in JSON."""
    key = Ed25519PrivateKey.generate()
    return json.dumps(
        {
            "kty": "OKP",
            "crv": "Ed25519",
            "kid": KEY_ID,
            "alg": "EdDSA",
            "use": "sig",
            "x": _base64url(key.public_key().public_bytes_raw()),
            "d": _base64url(key.private_bytes_raw()),
        }
    )


def write_private(path: Path, text: str) -> None:
    """Write a file only its owner can read, whole or not at all."""
    write_whole(path, text, 0o600)


def _base64url(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()
