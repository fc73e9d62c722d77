"""One receipt: its fields, its canonical form, its hash, its signature."""

import hashlib
import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from runtime.receipts.keys import base64url, from_base64url

VERSION = 1
MAX_LINE_BYTES = 4096
"""Longest line, with its newline."""
MAX_INTEGER = 2**53 - 1
"""Largest whole number every JSON parser keeps exactly."""

HASH = re.compile(r"[0-9a-f]{64}")
"""What a receipt's hash looks like."""
_SIGNATURE_BYTES = 64
_CANONICAL = json.JSONEncoder(sort_keys=True, separators=(",", ":"), allow_nan=False)


class ReceiptError(Exception):
    """A receipt cannot be written; the message says why and names no value."""


class BrokenBookError(ReceiptError):
    """The receipts that are there are not a chain: writing on would hide where it broke."""


class Outcome(StrEnum):
    """How a request ended."""

    COMPLETED = "completed"
    """Answered to the end."""
    REFUSED = "refused"
    """Not admitted; no model saw it."""
    FAILED = "failed"
    """It failed on our side."""
    CANCELED = "canceled"
    """The client went away."""
    TIMED_OUT = "timed_out"
    """It took longer than it may."""
    CUT = "cut"
    """The agent was being stopped and the grace time was over."""


@dataclass(frozen=True)
class Identity:
    """Whose receipts these are."""

    tenant: str
    agent: str

    def __str__(self) -> str:
        return f"{self.tenant}/{self.agent}"


@dataclass(frozen=True)
class Entry:
    """What is to be said of one request; the fields are those of the line. Tokens nobody counted are None."""

    id: str
    key: str
    method: str
    path: str
    model: str
    model_digest: str
    tokens_in: int | None
    tokens_out: int | None
    duration_ms: int
    outcome: Outcome


def genesis(identity: Identity) -> str:
    """The `prev` of an agent's first receipt, in hex."""
    return hashlib.sha256(f"moltghost receipts {VERSION} {identity}".encode()).hexdigest()


def canonical(fields: Mapping[str, Any]) -> bytes:
    """The one way to write these fields."""
    return _CANONICAL.encode(fields).encode()


def hash_of(fields: Mapping[str, Any]) -> str:
    """The hash of a receipt's fields, in hex; `hash` and `sig` are left out of it."""
    return hashlib.sha256(canonical({name: fields[name] for name in fields if name not in _SEAL})).hexdigest()


def seal(
    entry: Entry, identity: Identity, seq: int, prev: str, now_s: float, key: Ed25519PrivateKey, kid: str
) -> tuple[bytes, str]:
    """The line of a receipt, and its hash. `now_s` is in seconds since the epoch.

    Raises ReceiptError if a field holds what a receipt has no room for.
    """
    time = datetime.fromtimestamp(now_s, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
    fields = {**vars(entry), **vars(identity), "v": VERSION, "seq": seq, "prev": prev, "time": time, "kid": kid}
    wrong = _wrong_field(fields, _FIELDS)
    if wrong:
        raise ReceiptError(f"the field {wrong} of a receipt would not be {_FIELDS[wrong].must_be}")
    digest = hash_of(fields)
    sealed = {**fields, "hash": digest, "sig": base64url(key.sign(bytes.fromhex(digest)))}
    return canonical(sealed) + b"\n", digest


def read(line: bytes) -> dict[str, Any]:
    """The fields of a line, each of its shape; whether hash and signature are right is for others to say.

    Raises ValueError, which says what is wrong with the line.
    """
    if not line.endswith(b"\n"):
        raise ValueError("it is torn: it does not end with a newline")
    if len(line) > MAX_LINE_BYTES:
        raise ValueError(f"it is longer than {MAX_LINE_BYTES} bytes")
    try:
        fields = json.loads(line)
    except (ValueError, RecursionError):
        raise ValueError("it is not JSON") from None
    if not isinstance(fields, dict) or fields.keys() != _SEALED.keys():
        raise ValueError("its fields are not those of a receipt")
    wrong = _wrong_field(fields, _SEALED)
    if wrong:
        raise ValueError(f"its field {wrong} is not {_SEALED[wrong].must_be}")
    if canonical(fields) + b"\n" != line:
        raise ValueError("it is not in canonical form")
    return fields


def signature(fields: Mapping[str, Any]) -> bytes:
    """The signature of a receipt that was read."""
    return from_base64url(fields["sig"])


def identity_of(fields: Mapping[str, Any]) -> Identity:
    """Whose receipt it is."""
    return Identity(fields["tenant"], fields["agent"])


@dataclass(frozen=True)
class _Field:
    """What a field takes."""

    must_be: str
    takes: Callable[[Any], bool]


def _text(pattern: str, must_be: str) -> _Field:
    shape = re.compile(pattern)
    return _Field(must_be, lambda value: isinstance(value, str) and shape.fullmatch(value) is not None)


def _is_count(value: object) -> bool:
    return type(value) is int and 0 <= value <= MAX_INTEGER


def _is_signature(value: object) -> bool:
    if not isinstance(value, str):
        return False
    try:
        raw = from_base64url(value)
    except ValueError:
        return False
    # The last character of base64 has bits to spare: only one way to write a signature is right.
    return len(raw) == _SIGNATURE_BYTES and base64url(raw) == value


def _wrong_field(fields: Mapping[str, Any], shapes: Mapping[str, _Field]) -> str | None:
    return next((name for name, shape in shapes.items() if not shape.takes(fields[name])), None)


_COUNT = _Field("a whole number from 0", _is_count)
_COUNT_OR_NULL = _Field("a whole number from 0, or null", lambda value: value is None or _is_count(value))
_HASH_FIELD = _text(HASH.pattern, "64 hex digits")
# No blank, no quote: an id has room for neither prose nor an escape.
_ID = _text(r"[!#-\[\]-~]{1,200}", "1 to 200 printable ASCII characters without blanks and quotes")
_NAME = _text(r"[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?", "a name: lower-case letters, digits and hyphens")
_FIELDS = {
    "v": _Field(str(VERSION), lambda value: type(value) is int and value == VERSION),
    "seq": _COUNT,
    "id": _ID,
    "time": _text(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", "a time in UTC with milliseconds"),
    "tenant": _NAME,
    "agent": _NAME,
    "key": _ID,
    "method": _text(r"[A-Z]{3,7}", "an HTTP method"),
    "path": _text(r"/[-a-z0-9_./]{0,99}", "one of the agent's paths"),
    "model": _ID,
    "model_digest": _text(rf"sha256:{HASH.pattern}", "sha256: and 64 hex digits"),
    "tokens_in": _COUNT_OR_NULL,
    "tokens_out": _COUNT_OR_NULL,
    "duration_ms": _COUNT,
    "outcome": _Field(f"one of {', '.join(Outcome)}", lambda value: value in list(Outcome)),
    "prev": _HASH_FIELD,
    "kid": _text(r"[-_A-Za-z0-9]{43}", "a key's thumbprint"),
}
_SEAL = {"hash": _HASH_FIELD, "sig": _Field("a signature of 64 bytes in base64url", _is_signature)}
_SEALED = {**_FIELDS, **_SEAL}
