"""Books, keys and entries for tests."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from runtime.receipts import Entry, Identity, Outcome, ReceiptBook, key_id
from runtime.receipts.format import genesis, seal

HELPER = Identity("acme", "helper")
KEY = Ed25519PrivateKey.from_private_bytes(bytes(range(32)))
OTHER_KEY = Ed25519PrivateKey.from_private_bytes(bytes(range(1, 33)))
ENTRY = Entry(
    id="0196c7c2-req-1",
    key="default",
    method="POST",
    path="/v1/chat/completions",
    model="tiny",
    model_digest="sha256:" + "ab" * 32,
    tokens_in=12,
    tokens_out=None,
    duration_ms=340,
    outcome=Outcome.COMPLETED,
)


def public(*keys: Ed25519PrivateKey) -> dict[str, Ed25519PublicKey]:
    """The public halves, as verifying takes them."""
    return {key_id(key.public_key()): key.public_key() for key in keys}


def entry(number: int) -> Entry:
    """An entry unlike its neighbours."""
    return replace(ENTRY, id=f"req-{number}", tokens_out=number, outcome=list(Outcome)[number % len(Outcome)])


def chain(count: int, key: Ed25519PrivateKey = KEY, identity: Identity = HELPER) -> list[bytes]:
    """The lines of a good book, without a file."""
    lines, prev = [], genesis(identity)
    for number in range(count):
        kid = key_id(key.public_key())
        line, prev = seal(entry(number), identity, number, prev, 1_790_000_000 + number, key, kid)
        lines.append(line)
    return lines


def book(folder: Path, key: Ed25519PrivateKey = KEY, *, segment_bytes: int = 10_000_000) -> ReceiptBook:
    """The book of acme's helper in a folder."""
    return ReceiptBook(folder, HELPER, lambda: key, segment_bytes=segment_bytes)


def files(folder: Path) -> list[Path]:
    """The files of a book, in their order."""
    return sorted(folder.glob("receipts-*.jsonl"))


def lines_of(folder: Path) -> Iterator[bytes]:
    """Every line of a book."""
    for path in files(folder):
        yield from path.read_bytes().splitlines(keepends=True)
