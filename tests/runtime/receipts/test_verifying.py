"""A whole book verifies; anything done to it shows, with its line and in words."""

import io
import tracemalloc
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from runtime.receipts import Verdict, verify_files, verify_lines
from runtime.receipts.chain import Fault
from runtime.receipts.format import genesis, read, seal
from tests.runtime.receipts.making import HELPER, KEY, OTHER_KEY, chain, entry, public

GOOD = chain(6)
HASHES = [read(line)["hash"] for line in GOOD]
KEYS = public(KEY)


def judge(lines: list[bytes], last: str | None = HASHES[-1], after: str | None = None) -> Verdict:
    return verify_lines(lines, KEYS, last=last, after=after)


def fault(verdict: Verdict) -> tuple[int, Fault]:
    assert verdict.problem is not None
    return verdict.problem.line, verdict.problem.fault


def test_a_whole_book_verifies() -> None:
    assert judge(GOOD) == Verdict(6, "acme", "helper", HASHES[-1], 0, None)
    assert judge(GOOD, last=None).since is None
    assert judge(GOOD, last=HASHES[2]).since == 3


def test_no_receipt_yet_is_no_problem() -> None:
    assert judge([], last=None) == Verdict(0, None, None, None, None, None)


def by_newlines(whole: bytes) -> list[bytes]:
    """Lines as a file gives them: only a newline ends one."""
    return list(io.BytesIO(whole))


@given(st.data())
def test_any_change_of_a_byte_is_found(data: st.DataObject) -> None:
    whole = b"".join(GOOD)
    at = data.draw(st.integers(0, len(whole) - 1))
    byte = data.draw(st.integers(0, 255).filter(lambda value: value != whole[at]))
    changed = whole[:at] + bytes([byte]) + whole[at + 1 :]
    assert not judge(by_newlines(changed), last=None).ok


@given(st.integers(0, sum(map(len, GOOD)) - 1), st.integers(0, 255))
def test_any_byte_put_in_or_taken_out_is_found(at: int, byte: int) -> None:
    whole = b"".join(GOOD)
    assert not judge(by_newlines(whole[:at] + bytes([byte]) + whole[at:]), last=None).ok
    assert not judge(by_newlines(whole[:at] + whole[at + 1 :])).ok


@given(st.integers(0, 5))
def test_any_line_taken_out_is_found(at: int) -> None:
    assert not judge([*GOOD[:at], *GOOD[at + 1 :]]).ok


@given(st.permutations(GOOD))
def test_any_other_order_is_found(lines: list[bytes]) -> None:
    assert judge(lines, last=None).ok == (lines == GOOD)


@given(st.integers(0, 6), st.sampled_from(GOOD))
def test_any_line_repeated_is_found(at: int, line: bytes) -> None:
    assert not judge([*GOOD[:at], line, *GOOD[at:]], last=None).ok


@given(st.integers(0, 6), st.sampled_from([*chain(6, OTHER_KEY), *chain(6, KEY, replace(HELPER, agent="other"))]))
def test_any_line_of_another_book_put_in_is_found(at: int, line: bytes) -> None:
    keys = public(KEY, OTHER_KEY)
    assert not verify_lines([*GOOD[:at], line, *GOOD[at:]], keys, last=HASHES[-1]).ok


@given(st.integers(0, 5))
def test_a_tail_cut_off_is_found_by_the_hash_somebody_kept(length: int) -> None:
    verdict = judge(GOOD[:length])
    assert fault(verdict) == (0, Fault.TRUNCATED)
    # Without the hash nothing can tell a book that was cut from one that ended there.
    assert judge(GOOD[:length], last=None).ok


def test_an_altered_field_is_told_by_its_line() -> None:
    altered = [*GOOD[:3], GOOD[3].replace(b'"tokens_in":12', b'"tokens_in":11'), *GOOD[4:]]
    verdict = judge(altered)
    assert fault(verdict) == (4, Fault.ALTERED)
    assert (verdict.receipts, verdict.head) == (3, HASHES[2])
    assert "receipt 3 was altered" in str(verdict.problem)


def test_a_forger_without_the_key_is_found_whatever_he_recomputes() -> None:
    forged = chain(6, OTHER_KEY)
    assert fault(judge(forged)) == (1, Fault.UNKNOWN_KEY)
    kid, other = next(iter(public(KEY))).encode(), next(iter(public(OTHER_KEY)))
    named = [line.replace(other.encode(), kid) for line in forged]
    assert fault(judge(named)) == (1, Fault.ALTERED)


def test_a_signature_of_another_receipt_is_no_signature() -> None:
    first, second = read(GOOD[0])["sig"].encode(), read(GOOD[1])["sig"].encode()
    assert fault(judge([GOOD[0], GOOD[1].replace(second, first), *GOOD[2:]])) == (2, Fault.SIGNATURE)


def test_missing_receipts_are_counted() -> None:
    verdict = judge([*GOOD[:2], *GOOD[4:]])
    assert fault(verdict) == (3, Fault.MISSING)
    assert "receipt 2 to 3 are missing before receipt 4" in str(verdict.problem)
    assert "receipt 0 is missing" in str(judge(GOOD[1:]).problem)


def test_swapped_lines_are_told_from_missing_ones() -> None:
    verdict = judge([GOOD[0], GOOD[2], GOOD[1], *GOOD[3:]])
    assert fault(verdict) == (2, Fault.ORDER)
    assert "receipt 1 stands in line:3" in str(verdict.problem)


def test_a_repeated_line_is_told() -> None:
    assert fault(judge([*GOOD[:3], GOOD[2], *GOOD[3:]])) == (4, Fault.ORDER)


def test_another_agents_line_is_told() -> None:
    foreign = chain(6, KEY, replace(HELPER, tenant="globex"))
    verdict = judge([*GOOD[:3], foreign[3], *GOOD[4:]])
    assert fault(verdict) == (4, Fault.FOREIGN)
    assert "globex/helper, in the book of acme/helper" in str(verdict.problem)


def test_a_book_begun_anew_with_the_same_key_does_not_hold_the_hash_that_was_kept() -> None:
    anew = chain(3)
    assert judge(anew, last=HASHES[2]).ok
    assert fault(judge(anew, last=HASHES[5])) == (0, Fault.TRUNCATED)


def test_two_books_of_one_agent_cannot_be_spliced() -> None:
    kid = next(iter(KEYS))
    first, prev = seal(entry(9), HELPER, 0, genesis(HELPER), 1_800_000_000, KEY, kid)
    second, _ = seal(entry(9), HELPER, 1, prev, 1_800_000_001, KEY, kid)
    assert verify_lines([first, second], KEYS).ok
    assert fault(judge([GOOD[0], second])) == (2, Fault.BROKEN)
    assert fault(judge([first, *GOOD[1:]])) == (2, Fault.BROKEN)


def test_a_first_receipt_that_follows_another_book_does_not_begin_one() -> None:
    line, _ = seal(entry(0), HELPER, 0, HASHES[5], 1_790_000_000, KEY, next(iter(KEYS)))
    assert fault(judge([line], last=None)) == (1, Fault.BROKEN)
    assert judge([line], last=None, after=HASHES[5]).ok


def test_a_later_part_verifies_after_the_hash_before_it() -> None:
    assert judge(GOOD[2:], after=HASHES[1]).receipts == 4
    assert judge([], last=HASHES[1], after=HASHES[1]).ok
    assert fault(judge(GOOD[2:], after=HASHES[0])) == (1, Fault.MISSING)
    assert fault(judge(GOOD[2:])) == (1, Fault.MISSING)


def test_files_are_one_book_and_the_line_is_the_files_own(tmp_path: Path) -> None:
    one, two = tmp_path / "receipts-000001.jsonl", tmp_path / "receipts-000002.jsonl"
    one.write_bytes(b"".join(GOOD[:4]))
    two.write_bytes(b"".join([GOOD[4], GOOD[5][:-1]]))
    assert verify_files([one], KEYS, last=HASHES[3]).ok
    verdict = verify_files([one, two], KEYS)
    assert (fault(verdict), verdict.receipts) == ((2, Fault.MALFORMED), 5)
    assert f"{two}:2: the line is not a receipt: it is torn" in str(verdict.problem)
    assert fault(verify_files([two, one], KEYS)) == (1, Fault.MISSING)


def test_memory_does_not_grow_with_the_book(tmp_path: Path) -> None:
    whole = chain(2000)
    tracemalloc.start()
    try:
        assert verify_lines(iter(whole), KEYS).receipts == 2000
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < 200_000
    endless = tmp_path / "not-a-book"
    endless.write_bytes(b"x" * 1_000_000)
    assert fault(verify_files([endless], KEYS)) == (1, Fault.MALFORMED)


def test_the_head_of_a_book_without_a_receipt_is_one_that_every_book_of_the_agent_came_to() -> None:
    assert judge(GOOD, last=genesis(HELPER)).since == 6
    assert not judge(GOOD, last=genesis(replace(HELPER, agent="other"))).ok


@pytest.mark.parametrize("kept", [HASHES[0], HASHES[3]])
def test_a_hash_kept_long_ago_still_counts(kept: str) -> None:
    assert judge(GOOD, last=kept).ok
