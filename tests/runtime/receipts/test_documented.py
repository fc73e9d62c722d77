"""What docs/receipts.md tells customers and auditors is so."""

import re
import subprocess
import sys
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from runtime.receipts import Outcome
from runtime.receipts.chain import Fault
from runtime.receipts.format import MAX_LINE_BYTES, read
from tests.runtime.receipts.making import KEY, chain

PAGE = (Path(__file__).resolve().parents[3] / "docs" / "receipts.md").read_text()
LINES = chain(4)


@pytest.fixture
def verifier(tmp_path: Path) -> list[str]:
    """The page's own program, and its arguments."""
    (program,) = re.findall(r"```python\n(.*?)```", PAGE, re.DOTALL)
    (tmp_path / "verify.py").write_text(program)
    pem = KEY.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    (tmp_path / "key.pem").write_bytes(pem)
    return [sys.executable, str(tmp_path / "verify.py"), str(tmp_path / "key.pem"), str(tmp_path / "book.jsonl")]


def run(verifier: list[str], lines: list[bytes]) -> subprocess.CompletedProcess[str]:
    Path(verifier[-1]).write_bytes(b"".join(lines))
    return subprocess.run(verifier, capture_output=True, text=True, check=False)


def test_an_auditors_own_twenty_lines_say_the_same(verifier: list[str]) -> None:
    whole = run(verifier, LINES)
    assert whole.stdout == f"4 receipts, the newest {read(LINES[-1])['hash']}\n", whole.stderr
    for forged in (
        [LINES[0], *LINES[2:]],
        [LINES[1], LINES[0], *LINES[2:]],
        [LINES[0].replace(b'"tokens_in":12', b'"tokens_in":11'), *LINES[1:]],
    ):
        assert "AssertionError: receipt" in run(verifier, forged).stderr
    signatures = [read(line)["sig"].encode() for line in LINES]
    resigned = [LINES[0], LINES[1].replace(signatures[1], signatures[0]), *LINES[2:]]
    assert "InvalidSignature" in run(verifier, resigned).stderr


def test_every_member_outcome_and_fault_is_on_the_page() -> None:
    for word in [*read(LINES[0]), *Outcome, *Fault]:
        assert f"`{word}`" in PAGE, word
    assert f"{MAX_LINE_BYTES} bytes" in PAGE
