"""The files of a book: their names, and where the book that lies in them ends."""

import logging
import os
import re
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

from runtime.http.log import event
from runtime.receipts.chain import Chain
from runtime.receipts.format import MAX_LINE_BYTES, BrokenBookError, Identity, genesis, hash_of, read

_NAME = re.compile(r"receipts-(\d{6,})\.jsonl")
_CHUNK_BYTES = 65_536
REMEDY = "move the folder's files elsewhere (they are evidence: keep them), then start the agent again with a new book"
"""What an operator does about a broken book."""

_log = logging.getLogger("receipts")


@dataclass(frozen=True)
class End:
    """Where a book ends: the number of the file to go on in, and what the next receipt's `seq` and `prev` are.

    `last` is the last receipt, None in a book without any.
    """

    number: int
    seq: int
    prev: str
    last: dict[str, Any] | None


def segment(folder: Path, number: int) -> Path:
    """The file of a number, from 1."""
    return folder / f"receipts-{number:06d}.jsonl"


def recover(folder: Path, identity: Identity) -> End:
    """Find the end of a book; a torn last line is moved into a file of its own.

    Reads the last file, and of the one before it the last line: a book may be large. Raises BrokenBookError if what is
    read is not one chain; OSError.
    """
    there = _numbers(folder)
    number = there[-1] if there else 1
    path = segment(folder, number)
    before = _last_receipt(segment(folder, number - 1)) if number - 1 in there else None
    if there:
        _set_torn_aside(path)
    last = before
    chain = _chain_after(before, identity)
    for at, raw in enumerate(_lines(path) if there else (), 1):
        receipt = _read(path, at, raw)
        if chain is None:
            chain = Chain(identity=identity) if number == 1 else Chain(receipt["prev"], identity)
        wrong = chain.follow(receipt)
        if wrong is not None:
            raise BrokenBookError(f"{path}:{at}: {wrong.reason}; {REMEDY}")
        last = receipt
    if last is not None:
        return End(number, last["seq"] + 1, last["hash"], last)
    if number > 1:
        raise BrokenBookError(f"{path}: holds no receipt, and the file before it is gone; bring that back, or {REMEDY}")
    return End(1, 0, genesis(identity), None)


def _numbers(folder: Path) -> list[int]:
    found = (_NAME.fullmatch(path.name) for path in folder.iterdir())
    return sorted(int(match[1]) for match in found if match)


def _chain_after(receipt: dict[str, Any] | None, identity: Identity) -> Chain | None:
    if receipt is None:
        return None
    chain = Chain(receipt["prev"], identity)
    chain.follow(receipt)
    return chain


def _lines(path: Path) -> Iterator[bytes]:
    with path.open("rb") as file:
        while raw := file.readline(MAX_LINE_BYTES + 1):
            yield raw


def _read(path: Path, at: int, raw: bytes) -> dict[str, Any]:
    """A receipt whose hash is its own. Signatures are left to those who verify: retired keys are not here any more."""
    try:
        receipt = read(raw)
    except ValueError as error:
        raise BrokenBookError(f"{path}:{at}: the line is not a receipt: {error}; {REMEDY}") from None
    if hash_of(receipt) != receipt["hash"]:
        raise BrokenBookError(f"{path}:{at}: receipt {receipt['seq']} was altered; {REMEDY}")
    return receipt


def _last_receipt(path: Path) -> dict[str, Any]:
    """The last receipt of a file that is full."""
    with path.open("rb") as file:
        size = file.seek(0, os.SEEK_END)
        file.seek(max(0, size - MAX_LINE_BYTES - 1))
        tail = file.read().splitlines(keepends=True)
    if not tail:
        raise BrokenBookError(f"{path}: is empty; {REMEDY}")
    try:
        return _read(path, 0, tail[-1])
    except BrokenBookError:
        raise BrokenBookError(f"{path}: its last line is not a whole receipt; {REMEDY}") from None


def _set_torn_aside(path: Path) -> None:
    """Move what follows the last newline, which a crash or a power cut left, into `<file>.torn-<n>`."""
    with path.open("r+b") as file:
        size = file.seek(0, os.SEEK_END)
        whole = _end_of_lines(file, size)
        if whole == size:
            return
        file.seek(whole)
        aside = _unused(path)
        with aside.open("xb") as torn:
            shutil.copyfileobj(file, torn)
            torn.flush()
            os.fsync(torn.fileno())
        file.truncate(whole)
        os.fsync(file.fileno())
    event(_log, logging.ERROR, "a torn receipt was set aside", file=str(aside), bytes=size - whole)


def _end_of_lines(file: BinaryIO, size: int) -> int:
    """The offset after the last newline."""
    end = size
    while end:
        start = max(0, end - _CHUNK_BYTES)
        file.seek(start)
        at = file.read(end - start).rfind(b"\n")
        if at >= 0:
            return start + at + 1
        end = start
    return 0


def _unused(path: Path) -> Path:
    number = 1
    while (aside := path.with_name(f"{path.name}.torn-{number}")).exists():
        number += 1
    return aside
