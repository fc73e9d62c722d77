"""What receipts cost: the door writes one a request, an auditor reads them all."""

import statistics
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from rich.console import Console

from infra.local.status import table
from runtime.agent.secrets import ReceiptKey
from runtime.contract import image, paths
from runtime.receipts import Entry, Identity, Outcome, ReceiptBook, key_id, verify_files

RECEIPTS = 20_000
IDENTITY = Identity("acme", "helper")
ENTRY = Entry(
    id="0196c7c2-9a4e-7c1b-8f3a-2b1c5d7e9f01",
    key="default",
    method="POST",
    path=paths.CHAT_COMPLETIONS,
    model="tiny",
    model_digest="sha256:" + "ab" * 32,
    tokens_in=1234,
    tokens_out=321,
    duration_ms=2345,
    outcome=Outcome.COMPLETED,
)
MIB = 1024 * 1024


@dataclass(frozen=True)
class Cost:
    """Seconds each append took, and all of them; bytes written; seconds to open the book again and to verify it."""

    appends: list[float]
    total: float
    size: int
    opening: float
    verifying: float


def main() -> None:
    """Print the table."""
    cost = measure(RECEIPTS)
    percent = statistics.quantiles(cost.appends, n=1000, method="inclusive")
    rows = [
        ("receipts a second, written and synced in groups", f"{len(cost.appends) / cost.total:,.0f}"),
        ("one append, p50", f"{percent[499] * 1e6:.0f} µs"),
        ("one append, p99", f"{percent[989] * 1e6:.0f} µs"),
        ("one append, p99.9", f"{percent[998] * 1e6:.0f} µs"),
        ("bytes a receipt", f"{cost.size / len(cost.appends):.0f}"),
        ("receipts a second, verified", f"{len(cost.appends) / cost.verifying:,.0f}"),
        ("MiB a second, verified", f"{cost.size / MIB / cost.verifying:.1f}"),
        ("opening a book again, seconds", f"{cost.opening:.2f}"),
    ]
    Console().print(table(f"Receipts ({RECEIPTS:,})", ("what", "figure"), rows))


def measure(count: int) -> Cost:
    """Write a book of `count` receipts, open it again, verify it."""
    with _folder() as folder:
        private = Ed25519PrivateKey.generate()
        pem = private.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
        (folder / image.RECEIPT_KEY_FILE).write_bytes(pem)
        key = ReceiptKey(folder)
        appends = []
        started = time.perf_counter()
        with ReceiptBook(folder / "book", IDENTITY, key) as book:
            for number in range(count):
                began = time.perf_counter()
                last = book.append(replace(ENTRY, tokens_out=number))
                appends.append(time.perf_counter() - began)
        total = time.perf_counter() - started
        opening = _seconds(lambda: ReceiptBook(folder / "book", IDENTITY, key).close())
        files = sorted((folder / "book").glob("*.jsonl"))
        keys = {key_id(private.public_key()): private.public_key()}
        verifying = _seconds(lambda: _require(verify_files(files, keys, last=last).ok))
        return Cost(appends, total, sum(path.stat().st_size for path in files), opening, verifying)


@contextmanager
def _folder() -> Iterator[Path]:
    # Beside the repository: /tmp may be memory, where nothing is ever synced.
    with tempfile.TemporaryDirectory(dir=Path(__file__).resolve().parents[2], prefix=".bench-") as name:
        yield Path(name)


def _seconds(work: Callable[[], object]) -> float:
    started = time.perf_counter()
    work()
    return time.perf_counter() - started


def _require(holds: bool) -> None:
    if not holds:
        raise AssertionError("the book that was written does not verify")


if __name__ == "__main__":
    main()
