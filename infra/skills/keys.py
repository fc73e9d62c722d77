"""The key a tenant signs its skills with: a file of its owner's alone, and the public half for the stack file."""

import base64
import binascii
import os
import stat
from pathlib import Path

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_pem_private_key,
)

from runtime.skills.errors import SkillError

KEY_FILE = "skills-key.pem"
_OWNER_ONLY = 0o600
_OTHERS = stat.S_IRWXG | stat.S_IRWXO
_KEY_BYTES = 32


def new_key(folder: Path) -> Path:
    """Write a new private key (PKCS 8, PEM, mode 0600) into `folder`. Raises SkillError where there is one already."""
    path = folder / KEY_FILE
    pem = Ed25519PrivateKey.generate().private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, _OWNER_ONLY), "wb") as file:
            file.write(pem)
    except FileExistsError:
        raise SkillError([f"{path}: is there already; move it away, or give another folder"]) from None
    except OSError as error:
        raise SkillError([f"{path}: cannot be written: {error.strerror}"]) from None
    return path


def read_key(path: Path) -> Ed25519PrivateKey:
    """The private key in a file. Raises SkillError, also for a file that others may read."""
    try:
        if path.stat().st_mode & _OTHERS:
            raise SkillError([f"{path}: others than its owner may use it; run `chmod 600 {path}`"])
        key = load_pem_private_key(path.read_bytes(), password=None)
    except OSError as error:
        raise SkillError([f"{path}: cannot be read: {error.strerror}"]) from None
    except (ValueError, TypeError, UnsupportedAlgorithm):
        raise SkillError([f"{path}: is no private key in PEM without a passphrase"]) from None
    if not isinstance(key, Ed25519PrivateKey):
        raise SkillError([f"{path}: is no Ed25519 key; `moltghost skills keygen` makes one"])
    return key


def public_text(key: Ed25519PrivateKey) -> str:
    """The public half of a key as a stack file has it: 32 bytes in base64."""
    return base64.b64encode(key.public_key().public_bytes_raw()).decode()


def public_bytes(text: str) -> bytes:
    """The 32 bytes of a public key in base64. Raises ValueError."""
    try:
        key = base64.b64decode(text, validate=True)
    except binascii.Error:
        key = b""
    if len(key) != _KEY_BYTES:
        raise ValueError(f"expected the {_KEY_BYTES} bytes in base64 that `moltghost skills keygen` printed")
    return key
