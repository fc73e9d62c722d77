"""The local region's own secrets: made once, kept in the state folder for its owner's eyes only."""

import base64
import hashlib
import json
import secrets
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from infra.local.files import write_whole
from runtime.contract import image
from runtime.contract.edge import hash_api_key, is_api_key, new_api_key

SIGNING_KEY_FILE = "edge-signing-key.json"
OTHER_KEY_FILE = "edge-other-key.json"
"""While the signing key is rotated: the one that comes or goes. Its tokens are believed too."""
_KID_LENGTH = 8


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
        return self._once(SIGNING_KEY_FILE, new_signing_key)

    def public_keys(self) -> list[dict[str, str]]:
        """The public JWKs of the keys that are live, the signing key's first, as gateways and agents need them."""
        other = self.folder / OTHER_KEY_FILE
        live = [self.signing_key(), *([other.read_text()] if other.exists() else [])]
        return [
            {field: private[field] for field in ("kty", "crv", "kid", "alg", "use", "x")}
            for private in map(json.loads, live)
        ]

    def agent_secrets(self, tenant: str, agent: str, names: Sequence[str]) -> dict[str, str]:
        """What one agent's Secret holds: the key its receipts are signed with, and a made-up value for each name."""
        own = f"{tenant}.{agent}"
        key = self._once(f"{own}.{image.RECEIPT_KEY_FILE}", new_private_key)
        values = {name: self._once(f"{own}.{name}", lambda: secrets.token_urlsafe(24)) for name in names}
        return {image.RECEIPT_KEY_FILE: key, **values}

    def skills_key(self, tenant: str) -> Path:
        """The file of the private key a tenant's skills are signed with here; elsewhere the tenant alone has it."""
        name = f"{tenant}.skills-key.pem"
        self._once(name, new_private_key)
        return self.folder / name

    def api_key(self, tenant: str) -> ApiKey:
        """The tenant's default key, made on first use."""
        name = f"{tenant}.key"
        key = self._once(name, lambda: new_api_key(tenant))
        if not is_api_key(key):  # made by an earlier version; the edge would refuse it
            key = new_api_key(tenant)
            write_private(self.folder / name, key)
        return ApiKey(tenant, "default", self.folder / name, hash_api_key(self.pepper(), key))

    def _once(self, name: str, make: Callable[[], str]) -> str:
        path = self.folder / name
        if not path.exists():
            self.folder.mkdir(parents=True, exist_ok=True, mode=0o700)
            write_private(path, make())
        return path.read_text()


def new_signing_key() -> str:
    """A fresh private Ed25519 key as JWK (RFC 8037), in JSON; its `kid` follows from it, so that no two share one."""
    key = Ed25519PrivateKey.generate()
    public = key.public_key().public_bytes_raw()
    return json.dumps(
        {
            "kty": "OKP",
            "crv": "Ed25519",
            "kid": hashlib.sha256(public).hexdigest()[:_KID_LENGTH],
            "alg": "EdDSA",
            "use": "sig",
            "x": _base64url(public),
            "d": _base64url(key.private_bytes_raw()),
        }
    )


def new_private_key() -> str:
    """A fresh private Ed25519 key (PKCS 8, PEM)."""
    return Ed25519PrivateKey.generate().private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()


def write_private(path: Path, text: str) -> None:
    """Write a file only its owner can read, whole or not at all."""
    write_whole(path, text, 0o600)


def _base64url(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()
