"""What must not get into a bundle, which everybody who runs the agent can read."""

from fnmatch import fnmatchcase

_NAMES = (
    "*.env",
    "*.jks",
    "*.kdbx",
    "*.key",
    "*.p12",
    "*.pem",
    "*.pfx",
    ".env*",
    ".netrc",
    ".npmrc",
    "*credential*",
    "*secret*",
    "id_ed25519*",
    "id_rsa*",
)
_PRIVATE_KEY = b"PRIVATE KEY-----"


def looks_secret(name: str) -> bool:
    """Whether a file of this name is likely to hold a secret."""
    return any(fnmatchcase(name.lower(), pattern) for pattern in _NAMES)


def holds_private_key(data: bytes) -> bool:
    """Whether a private key in PEM stands in it."""
    return _PRIVATE_KEY in data
