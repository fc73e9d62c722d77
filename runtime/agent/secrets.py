"""The agent's own secrets: files that the kubelet replaces under the running agent when one is rotated."""

import base64
import json
import logging
import os
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import load_pem_private_key

from runtime.agent.failures import AgentError
from runtime.contract import image
from runtime.http.log import event

MAX_BYTES = 65_536
"""Largest secret, in bytes: more is no key and no token."""
SHORTEST_SOUGHT = 8
"""Bytes a secret must have to be sought in other texts: a shorter one is found everywhere by chance."""

_NAME = re.compile(r"[a-z0-9]([-._a-z0-9]{0,250}[a-z0-9])?")

_log = logging.getLogger("secrets")


class SecretError(AgentError):
    """A secret cannot be used. The message names its file, never its content."""


@dataclass(frozen=True)
class _Version:
    """What tells one content of a file from the next."""

    device: int
    inode: int
    changed_ns: int
    size: int

    @classmethod
    def of(cls, status: os.stat_result) -> "_Version":
        return cls(status.st_dev, status.st_ino, status.st_mtime_ns, status.st_size)


class SecretFile:
    """One secret, read again when its file has become another one."""

    def __init__(self, folder: Path, name: str) -> None:
        """Raises SecretError if `name` is not a plain file name."""
        if _NAME.fullmatch(name) is None:
            raise SecretError(
                f"{folder}: {name!r} names no secret; a name takes lower-case letters, digits, '-', '.', '_'"
            )
        self.path = folder / name
        self._version: _Version | None = None
        self._content = b""

    def read(self) -> bytes:
        """The content of now. Raises SecretError if it is missing, empty, too large or unreadable.

        While the file has not changed this is one `stat`.
        """
        if self.changed():
            self._content, self._version = self._load()
        return self._content

    def changed(self) -> bool:
        """Whether the file is another one than was read last. Raises SecretError if it is missing."""
        try:
            return _Version.of(self.path.stat()) != self._version
        except OSError as error:
            raise self._unusable(error) from None

    def _load(self) -> tuple[bytes, _Version]:
        try:
            with self.path.open("rb") as file:
                # Of the open file: the path may lead to the next version a moment later.
                version = _Version.of(os.fstat(file.fileno()))
                content = file.read(MAX_BYTES + 1)
        except OSError as error:
            raise self._unusable(error) from None
        if not content.strip():
            raise SecretError(f"{self.path}: is empty; put the secret's value there")
        if len(content) > MAX_BYTES:
            raise SecretError(f"{self.path}: is larger than {MAX_BYTES} bytes; a secret is a key or a token")
        return content, version

    def _unusable(self, error: OSError) -> SecretError:
        return SecretError(f"{self.path}: cannot be read ({error.strerror}); the agent's Secret must hold it")


class ReceiptKey:
    """The key receipts are signed with; calling it gives the key of the moment, the same object until it is rotated.

    A new key that cannot be used does not stop the agent: it is told once, and receipts go on under the old one.
    """

    def __init__(self, folder: Path) -> None:
        """Raises SecretError if there is no key that can be used: an agent does not start without one."""
        self._file = SecretFile(folder, image.RECEIPT_KEY_FILE)
        self._content = self._file.read()
        self._key = _parse(self._content, self._file.path)
        self._complaint: str | None = None

    def __call__(self) -> Ed25519PrivateKey:
        """The key to sign with now."""
        try:
            content = self._file.read()
            if content != self._content:
                self._key, self._content = _parse(content, self._file.path), content
            self._complaint = None
        except SecretError as error:
            self._complain(str(error))
        return self._key

    def _complain(self, reason: str) -> None:
        if reason != self._complaint:
            event(_log, logging.ERROR, "receipts go on under the old key", reason=reason)
        self._complaint = reason


def _parse(content: bytes, path: Path) -> Ed25519PrivateKey:
    try:
        key = load_pem_private_key(content, password=None)
    except (ValueError, TypeError, UnsupportedAlgorithm):
        key = None
    if not isinstance(key, Ed25519PrivateKey):
        remedy = "make one with: openssl genpkey -algorithm ed25519"
        raise SecretError(f"{path}: is not an Ed25519 private key in PEM (PKCS 8) without a passphrase; {remedy}")
    return key


def read_all(folder: Path) -> dict[str, bytes]:
    """Every secret of the folder by its name. Raises SecretError."""
    try:
        names = sorted(path.name for path in folder.iterdir() if not path.name.startswith("."))
    except OSError as error:
        raise SecretError(
            f"{folder}: cannot be read ({error.strerror}); the agent's Secret must be mounted there"
        ) from None
    return {name: SecretFile(folder, name).read() for name in names}


def leaks(secrets: Mapping[str, bytes], texts: Mapping[str, str]) -> list[tuple[str, str]]:
    """Which secret, by name, stands in which text: as it is, as JSON writes it, in base64, or one line of several.

    `texts` are named by where they were found. Secrets shorter than SHORTEST_SOUGHT are not sought.
    """
    sought = {name: set(_forms(content)) for name, content in secrets.items()}
    return [
        (name, place)
        for name, forms in sought.items()
        for place, text in texts.items()
        if any(form in text for form in forms)
    ]


def require_no_leak(secrets: Mapping[str, bytes], texts: Mapping[str, str]) -> None:
    """Raises SecretError, naming each secret and where it was found, if one stands in a text others can read."""
    found = [f"{name} in {place}" for name, place in leaks(secrets, texts)]
    if found:
        raise SecretError(f"secrets stand where others can read them: {', '.join(found)}; name the file there instead")


def exposed_texts(environ: Mapping[str, str], arguments: list[str], config: str) -> dict[str, str]:
    """What anyone in the pod can read of its programs: environment, arguments, OpenClaw's configuration."""
    return {
        **{f"the environment variable {name}": value for name, value in environ.items()},
        **{f"argument {at}": text for at, text in enumerate(arguments)},
        "OpenClaw's configuration": config,
    }


def _forms(content: bytes) -> Iterator[str]:
    """How a secret may be written in a text."""
    for part in (content, content.strip(), *_long_lines(content)):
        if len(part) >= SHORTEST_SOUGHT:
            text = part.decode("utf-8", "replace")
            yield from (text, json.dumps(text)[1:-1], json.dumps(text, ensure_ascii=False)[1:-1], *_base64(part))


def _long_lines(content: bytes) -> list[bytes]:
    """The lines of a secret of several, without those that only say what it is."""
    lines = content.strip().splitlines()
    return [
        line for line in lines if len(lines) > 1 and not line.startswith(b"-----") and len(line) > 2 * SHORTEST_SOUGHT
    ]


def _base64(part: bytes) -> tuple[str, str]:
    # Whole groups only: how the last one is written depends on what follows it.
    groups = part[: len(part) // 3 * 3]
    return base64.b64encode(groups).decode(), base64.urlsafe_b64encode(groups).decode()
