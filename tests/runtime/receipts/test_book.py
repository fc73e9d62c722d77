"""The book goes on where it ended, whatever ended it, and never over a break."""

import asyncio
import errno
import itertools
import logging
import os
import resource
import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from runtime.receipts import BrokenBookError, Identity, ReceiptBook, ReceiptError, verify_files, verify_lines
from runtime.receipts.format import canonical, genesis, hash_of, read
from tests.runtime.receipts.making import HELPER, KEY, OTHER_KEY, book, chain, entry, files, lines_of, public
from tests.waiting import eventually

LINES = chain(5)


def whole(folder: Path, last: str | None = None) -> int:
    """How many receipts a book holds; it must verify."""
    verdict = verify_files(files(folder), public(KEY, OTHER_KEY), last=last)
    assert verdict.ok, verdict.problem
    return verdict.receipts


def test_what_is_appended_verifies_and_its_hash_is_the_head(tmp_path: Path) -> None:
    with book(tmp_path / "receipts") as writing:
        assert writing.head == genesis(HELPER)
        hashes = [writing.append(entry(number)) for number in range(5)]
        assert writing.head == hashes[-1]
    assert whole(tmp_path / "receipts", hashes[-1]) == 5
    assert [read(line)["hash"] for line in lines_of(tmp_path / "receipts")] == hashes


def test_it_is_for_its_owners_eyes_only(tmp_path: Path) -> None:
    with book(tmp_path / "receipts") as writing:
        writing.append(entry(1))
    assert (tmp_path / "receipts").stat().st_mode & 0o777 == 0o700
    assert files(tmp_path / "receipts")[0].stat().st_mode & 0o777 == 0o600


def test_it_goes_on_where_it_ended(tmp_path: Path) -> None:
    for number in range(4):
        with book(tmp_path) as writing:
            last = writing.append(entry(number))
    assert whole(tmp_path, last) == 4


def test_a_receipt_outlives_the_process_once_append_has_returned(tmp_path: Path) -> None:
    script = """
import os, sys
from pathlib import Path
from tests.runtime.receipts.making import book, entry
writing = book(Path(sys.argv[1]))
for number in range(20):
    last = writing.append(entry(number))
os.write(1, last.encode())
os.kill(os.getpid(), 9)
"""
    killed = subprocess.run([sys.executable, "-c", script, str(tmp_path)], stdout=subprocess.PIPE, check=False)
    assert killed.returncode == -9
    with book(tmp_path) as writing:
        assert writing.head == killed.stdout.decode()
        writing.append(entry(20))
    assert whole(tmp_path) == 21


@pytest.mark.parametrize("torn", [b"{", b'{"agent":"helper"', chain(3)[2][:-1], b"\0" * 100_000, b"x" * 70_000])
def test_a_torn_last_line_is_set_aside_and_the_chain_goes_on(
    torn: bytes, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    with book(tmp_path) as writing:
        last = [writing.append(entry(number)) for number in range(2)][-1]
    (path,) = files(tmp_path)
    with path.open("ab") as file:
        file.write(torn)
    with caplog.at_level(logging.INFO), book(tmp_path) as writing:
        assert writing.head == last
        writing.append(entry(2))
    assert whole(tmp_path, last) == 3
    aside = path.with_name(f"{path.name}.torn-1")
    assert aside.read_bytes() == torn
    assert [record.fields["bytes"] for record in caplog.records if "torn" in record.msg] == [len(torn)]  # type: ignore[attr-defined]


def test_a_line_torn_again_does_not_replace_the_first_one_set_aside(tmp_path: Path) -> None:
    for torn in (b"one", b"two"):
        book(tmp_path).close()
        with files(tmp_path)[0].open("ab") as file:
            file.write(torn)
    book(tmp_path).close()
    asides = sorted(tmp_path.glob("*.torn-*"))
    assert [path.read_bytes() for path in asides] == [b"one", b"two"]


def test_a_book_whose_only_line_is_torn_begins_anew(tmp_path: Path) -> None:
    (tmp_path / "receipts-000001.jsonl").write_bytes(chain(1)[0][:-7])
    with book(tmp_path) as writing:
        assert writing.head == genesis(HELPER)


@settings(max_examples=40)
@given(kept=st.integers(0, len(b"".join(LINES))))
def test_cut_anywhere_it_goes_on_from_the_last_whole_line(kept: int, tmp_path_factory: pytest.TempPathFactory) -> None:
    folder, lines = tmp_path_factory.mktemp("cut"), LINES
    (folder / "receipts-000001.jsonl").write_bytes(b"".join(lines)[:kept])
    complete = b"".join(lines)[:kept].count(b"\n")
    with book(folder) as writing:
        writing.append(entry(9))
    assert whole(folder) == complete + 1
    assert list(lines_of(folder))[:complete] == lines[:complete]


@pytest.mark.parametrize(
    ("lines", "says"),
    [
        ([*LINES[:2], *LINES[3:]], "receipts-000001.jsonl:3: receipt 2 is missing"),
        ([LINES[0], LINES[2], LINES[1]], "receipts-000001.jsonl:2: receipt 1 is missing"),
        ([LINES[0].replace(b'"tokens_in":12', b'"tokens_in":13'), *LINES[1:]], ":1: receipt 0 was altered"),
        ([LINES[0], b"garbage\n", *LINES[1:]], ":2: the line is not a receipt"),
        ([*LINES[:2], b"\n"], ":3: the line is not a receipt"),
        (LINES[1:], "receipt 0 is missing"),
        (chain(2, identity=Identity("globex", "helper")), "globex/helper, in the book of acme/helper"),
    ],
)
def test_a_book_that_is_broken_is_not_opened_and_not_touched(lines: list[bytes], says: str, tmp_path: Path) -> None:
    path = tmp_path / "receipts-000001.jsonl"
    path.write_bytes(b"".join(lines))
    with pytest.raises(BrokenBookError, match=says) as broken:
        book(tmp_path)
    assert "keep them" in str(broken.value)
    assert path.read_bytes() == b"".join(lines)
    assert files(tmp_path) == [path]


def test_a_last_line_forged_by_someone_without_the_key_is_seen_at_once(tmp_path: Path) -> None:
    fields = {**read(chain(1, OTHER_KEY)[0]), "kid": next(iter(public(KEY)))}
    forged = canonical({**fields, "hash": hash_of(fields)}) + b"\n"
    (tmp_path / "receipts-000001.jsonl").write_bytes(forged)
    with pytest.raises(BrokenBookError, match="receipt 0, the last one, is not signed by the key it names"):
        book(tmp_path)


def test_two_processes_cannot_write_one_book(tmp_path: Path) -> None:
    with book(tmp_path), pytest.raises(ReceiptError, match="another process"):
        book(tmp_path)
    book(tmp_path).close()


def test_a_folder_that_cannot_be_used_is_said_so(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(ReceiptError, match="receipts cannot be written here"):
        book(tmp_path / "file")


def test_threads_share_a_book_and_each_gets_its_own_hash(tmp_path: Path) -> None:
    with book(tmp_path, segment_bytes=20_000) as writing, ThreadPoolExecutor(8) as threads:
        hashes = list(threads.map(lambda number: writing.append(entry(number)), range(400)))
    assert len(set(hashes)) == 400
    assert whole(tmp_path) == 400
    assert {read(line)["hash"]: read(line)["id"] for line in lines_of(tmp_path)} == {
        digest: f"req-{number}" for number, digest in enumerate(hashes)
    }


async def test_tasks_of_one_loop_append_in_the_order_they_end(tmp_path: Path) -> None:
    async def one(number: int) -> str:
        await asyncio.sleep(0)
        return writing.append(entry(number))

    with book(tmp_path) as writing:
        hashes = await asyncio.gather(*(one(number) for number in range(50)))
    assert [read(line)["hash"] for line in lines_of(tmp_path)] == list(hashes)


class TestFiles:
    """A book lies in files of a bounded size, and is one chain over all of them."""

    def test_a_full_file_is_followed_by_another(self, tmp_path: Path) -> None:
        for _ in range(3):
            with book(tmp_path, segment_bytes=2_000) as writing:
                for number in range(10):
                    last = writing.append(entry(number))
        assert len(files(tmp_path)) > 5
        assert all(path.stat().st_size <= 2_000 for path in files(tmp_path))
        assert whole(tmp_path, last) == 30

    def test_opening_reads_the_last_file_alone(self, tmp_path: Path) -> None:
        with book(tmp_path, segment_bytes=2_000) as writing:
            for number in range(20):
                writing.append(entry(number))
        first, *between, before_last, _ = files(tmp_path)
        for path in between:
            path.write_bytes(b"whatever")
        first.unlink()
        with book(tmp_path, segment_bytes=2_000) as writing:
            writing.append(entry(20))
        before_last.unlink()
        with book(tmp_path) as writing:
            assert read(files(tmp_path)[-1].read_bytes().splitlines(keepends=True)[-1])["hash"] == writing.head

    def test_a_last_file_that_does_not_follow_the_one_before_is_not_opened(self, tmp_path: Path) -> None:
        one, two = tmp_path / "receipts-000001.jsonl", tmp_path / "receipts-000002.jsonl"
        one.write_bytes(b"".join(LINES[:2]))
        two.write_bytes(b"".join(LINES[3:]))
        with pytest.raises(BrokenBookError, match=f"{two}:1: receipt 2 is missing"):
            book(tmp_path)
        one.write_bytes(b"".join(LINES[:2])[:-1])
        with pytest.raises(BrokenBookError, match=f"{one}: its last line"):
            book(tmp_path)
        one.write_bytes(b"")
        with pytest.raises(BrokenBookError, match=f"{one}: is empty"):
            book(tmp_path)

    @pytest.mark.parametrize("begun", [b"", LINES[2][:50]])
    def test_a_crash_at_the_beginning_of_a_file_is_no_break(self, begun: bytes, tmp_path: Path) -> None:
        (tmp_path / "receipts-000001.jsonl").write_bytes(b"".join(LINES[:2]))
        (tmp_path / "receipts-000002.jsonl").write_bytes(begun)
        with book(tmp_path) as writing:
            writing.append(entry(2))
        assert whole(tmp_path) == 3
        assert len(files(tmp_path)) == 2

    def test_an_empty_file_with_nothing_before_it_is_a_break(self, tmp_path: Path) -> None:
        (tmp_path / "receipts-000002.jsonl").write_bytes(b"")
        with pytest.raises(BrokenBookError, match="the file before it is gone"):
            book(tmp_path)

    def test_full_files_do_not_stay_open(self, tmp_path: Path) -> None:
        def open_here() -> int:
            targets = [os.path.realpath(link) for link in Path("/proc/self/fd").iterdir()]
            return sum(target.startswith(str(tmp_path)) for target in targets)

        with book(tmp_path, segment_bytes=1_500) as writing:
            for number in range(100):
                writing.append(entry(number))
            writing.sync()
            assert open_here() == 2  # the folder and the last file
        assert open_here() == 0


class TestAKeyThatIsRotated:
    """Receipts go on under the new key, chained to the last under the old."""

    def test_both_public_keys_verify_the_whole_book_and_neither_alone(
        self, tmp_path: Path, caplog: pytest.LogCaptureFixture
    ) -> None:
        current = [KEY]
        with caplog.at_level(logging.INFO), ReceiptBook(tmp_path, HELPER, lambda: current[0]) as writing:
            writing.append(entry(1))
            current[0] = OTHER_KEY
            writing.append(entry(2))
        lines = list(lines_of(tmp_path))
        assert verify_lines(lines, public(KEY, OTHER_KEY)).receipts == 2
        assert verify_lines(lines, public(KEY)).receipts == 1
        assert not verify_lines(lines, public(OTHER_KEY)).ok
        assert sum("another key" in record.msg for record in caplog.records) == 1

    def test_it_opens_under_a_key_that_never_signed_it(self, tmp_path: Path) -> None:
        with book(tmp_path, KEY) as writing:
            writing.append(entry(1))
        with book(tmp_path, OTHER_KEY) as writing:
            last = writing.append(entry(2))
        assert whole(tmp_path, last) == 2


class TestADiskThatFails:
    """What could not be written leaves the chain as it was."""

    def test_a_full_volume_costs_the_receipt_and_not_the_chain(self, tmp_path: Path) -> None:
        script = """
import resource, signal, sys
from pathlib import Path
from runtime.receipts import ReceiptError
from tests.runtime.receipts.making import book, entry
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
writing = book(Path(sys.argv[1]))
writing.append(entry(0))
resource.setrlimit(resource.RLIMIT_FSIZE, (1000, resource.RLIM_INFINITY))
refused = 0
for number in range(1, 4):
    try:
        writing.append(entry(number))
    except ReceiptError as error:
        refused += "could not be written" in str(error)
resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
writing.append(entry(4))
assert refused == 3, refused
assert writing.problem is None
writing.close()
"""
        subprocess.run([sys.executable, "-c", script, str(tmp_path)], check=True)
        assert resource.getrlimit(resource.RLIMIT_FSIZE)[0] != 1000
        assert [read(line)["id"] for line in lines_of(tmp_path)] == ["req-0", "req-4"]
        assert whole(tmp_path) == 2

    def test_a_failed_fsync_ends_the_book_loudly(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
    ) -> None:
        writing = book(tmp_path)
        writing.append(entry(0))

        def fail(_descriptor: int) -> None:
            raise OSError(errno.EIO, "Input/output error")

        monkeypatch.setattr(os, "fsync", fail)
        writing.append(entry(1))
        writing.sync()
        monkeypatch.undo()
        assert writing.problem is not None
        with pytest.raises(ReceiptError, match="could not be brought to the disk"):
            writing.append(entry(2))
        assert [record.levelno for record in caplog.records if record.msg == "receipts end here"] == [logging.CRITICAL]
        writing.close()
        assert whole(tmp_path) == 2

    def test_half_a_line_that_cannot_be_taken_back_ends_the_book(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        real = os.write
        with book(tmp_path) as writing:
            last = writing.append(entry(0))
            monkeypatch.setattr(os, "write", lambda descriptor, line: real(descriptor, line[:100]))
            monkeypatch.setattr(os, "ftruncate", _refuse)
            for _ in range(2):
                with pytest.raises(ReceiptError):
                    writing.append(entry(1))
            monkeypatch.undo()
            assert "taken back" in str(writing.problem)
        with book(tmp_path) as writing:
            assert writing.head == last


def _refuse(*_: object) -> None:
    raise OSError(errno.EIO, "Input/output error")


class TestSyncing:
    """Receipts reach the disk soon, many at a time, and not on the writer's thread."""

    def test_many_receipts_cost_few_syncs_on_another_thread(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        real, threads = os.fsync, []

        def watched(descriptor: int) -> None:
            threads.append(threading.current_thread().name)
            real(descriptor)

        monkeypatch.setattr(os, "fsync", watched)
        with ReceiptBook(tmp_path, HELPER, lambda: KEY, sync_every_s=0.05) as writing:
            for number in range(200):
                writing.append(entry(number))
            eventually(lambda: threads, "a sync")
            assert set(threads) == {"receipts-sync"}
            assert len(threads) < 50

    def test_closing_syncs_what_no_group_has_and_twice_is_once(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        real, synced = os.fsync, itertools.count()
        writing = ReceiptBook(tmp_path, HELPER, lambda: KEY, sync_every_s=3600)
        writing.append(entry(0))
        monkeypatch.setattr(os, "fsync", lambda descriptor: (next(synced), real(descriptor)))
        writing.close()
        writing.close()
        assert next(synced) >= 1
        with pytest.raises(ReceiptError, match="closed"):
            writing.append(entry(1))
