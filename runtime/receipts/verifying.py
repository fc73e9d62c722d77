"""Verifying a book: with its lines, the public keys, and a hash somebody kept; without any server."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from runtime.receipts.chain import Break, Chain, Fault
from runtime.receipts.format import MAX_LINE_BYTES, hash_of, read, signature

_REMEDIES = {
    Fault.MALFORMED: "compare with a snapshot of the agent's volume; a torn last line was being written just then",
    Fault.ALTERED: "the line was changed after it was written: compare with a snapshot of the agent's volume",
    Fault.FOREIGN: "verify each agent's book by itself",
    Fault.UNKNOWN_KEY: "give --key the public key with this thumbprint too, if it is or was the agent's",
    Fault.SIGNATURE: "whoever wrote the line had not the key it names: do not believe it or what follows",
    Fault.MISSING: "give every file of the book, in order; for a later part give --after the hash before it",
    Fault.ORDER: "give the files in the order of their numbers, each once; otherwise lines were moved or repeated",
    Fault.BROKEN: "compare with a snapshot of the agent's volume, or with hashes that responses carried",
    Fault.TRUNCATED: "give the newest file too; otherwise the book was cut off or begun anew after that response",
}


@dataclass(frozen=True)
class Line:
    """A line of a book: the file it stands in, its number there from 1, its bytes."""

    source: str
    number: int
    raw: bytes


@dataclass(frozen=True)
class Problem:
    """The first thing that is wrong. `line` counts from 1 in `source`; 0 means the book as a whole."""

    source: str
    line: int
    fault: Fault
    reason: str
    remedy: str

    def __str__(self) -> str:
        return f"{self.source}{f':{self.line}' if self.line else ''}: {self.reason}; {self.remedy}"


@dataclass(frozen=True)
class Verdict:
    """What was found: `receipts` good ones of `tenant`/`agent`, the newest with hash `head`, then `problem` if any.

    `since` counts the receipts after the one whose hash was given as `last`.
    """

    receipts: int
    tenant: str | None
    agent: str | None
    head: str | None
    since: int | None
    problem: Problem | None

    @property
    def ok(self) -> bool:
        """Whether the book is whole."""
        return self.problem is None


def verify_lines(
    lines: Iterable[bytes],
    keys: Mapping[str, Ed25519PublicKey],
    *,
    last: str | None = None,
    after: str | None = None,
    source: str = "line",
) -> Verdict:
    """Judge a book line by line, each with its newline; memory does not grow with it.

    `keys` are the public keys by thumbprint. `last` is a hash the book must have come to, such as the newest a response
    carried: a book cut off before it is found out by nothing else. `after` is the hash the first line follows,
    for a book whose beginning lies elsewhere.
    """
    return _verify((Line(source, number, raw) for number, raw in enumerate(lines, 1)), keys, last, after)


def verify_files(
    files: Sequence[Path],
    keys: Mapping[str, Ed25519PublicKey],
    *,
    last: str | None = None,
    after: str | None = None,
) -> Verdict:
    """`verify_lines` over the files of one book, in their order. Raises OSError if one cannot be read."""
    return _verify(_lines(files), keys, last, after)


def _lines(files: Sequence[Path]) -> Iterator[Line]:
    for path in files:
        with path.open("rb") as file:
            number = 0
            # Bounded: a file of another kind may be one line of gigabytes.
            while raw := file.readline(MAX_LINE_BYTES + 1):
                number += 1
                yield Line(str(path), number, raw)


def _verify(
    lines: Iterator[Line], keys: Mapping[str, Ed25519PublicKey], last: str | None, after: str | None
) -> Verdict:
    chain, receipts = Chain(after), 0
    since = 0 if last is not None and last == after else None
    line = Line("the book", 0, b"")
    for line in lines:
        wrong = _judge(line.raw, keys, chain)
        if wrong is not None:
            return _verdict(chain, receipts, since, _problem(line, _where_it_went(wrong, chain, lines)))
        if receipts == 0 and chain.begins_after(last):
            since = 0
        receipts += 1
        since = 0 if chain.head == last else since + 1 if since is not None else None
    if last is not None and since is None:
        reason = f"ends without the receipt of hash {last}"
        return _verdict(chain, receipts, since, _problem(Line(line.source, 0, b""), Break(Fault.TRUNCATED, reason)))
    return _verdict(chain, receipts, since, None)


def _judge(raw: bytes, keys: Mapping[str, Ed25519PublicKey], chain: Chain) -> Break | None:
    """What is wrong with the next line; None if it is the next good receipt."""
    try:
        receipt = read(raw)
    except ValueError as error:
        return Break(Fault.MALFORMED, f"the line is not a receipt: {error}")
    if hash_of(receipt) != receipt["hash"]:
        return Break(Fault.ALTERED, f"receipt {receipt['seq']} was altered: its fields do not give its hash")
    key = keys.get(receipt["kid"])
    if key is None:
        return Break(Fault.UNKNOWN_KEY, f"receipt {receipt['seq']} is signed with the key {receipt['kid']}, not given")
    if not signed_by(receipt, key):
        return Break(Fault.SIGNATURE, f"receipt {receipt['seq']} is not signed by the key it names")
    return chain.follow(receipt)


def signed_by(receipt: Mapping[str, Any], key: Ed25519PublicKey) -> bool:
    """Whether the key signed the receipt's hash."""
    try:
        key.verify(signature(receipt), bytes.fromhex(receipt["hash"]))
    except InvalidSignature:
        return False
    return True


def _where_it_went(wrong: Break, chain: Chain, rest: Iterator[Line]) -> Break:
    """A missing receipt that stands further down was not lost but moved: say so."""
    if wrong.fault is not Fault.MISSING or chain.next_seq is None:
        return wrong
    for line in rest:
        try:
            found = read(line.raw)["seq"] == chain.next_seq
        except ValueError:
            continue
        if found:
            moved = f"{wrong.reason}: receipt {chain.next_seq} stands in {line.source}:{line.number}"
            return Break(Fault.ORDER, moved)
    return wrong


def _problem(line: Line, wrong: Break) -> Problem:
    return Problem(line.source, line.number, wrong.fault, wrong.reason, _REMEDIES[wrong.fault])


def _verdict(chain: Chain, receipts: int, since: int | None, problem: Problem | None) -> Verdict:
    identity = chain.identity
    tenant, agent = (identity.tenant, identity.agent) if identity else (None, None)
    return Verdict(receipts, tenant, agent, chain.head, since, problem)
