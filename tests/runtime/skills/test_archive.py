"""An archive is read only as it was written."""

import contextlib
import gzip
import io
import tarfile
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from runtime.skills.archive import pack, unpack
from runtime.skills.bundle import read_bundle, verify_bundle, write_bundle
from runtime.skills.errors import SkillError
from runtime.skills.filenames import clashes
from runtime.skills.limits import MAX_BYTES, MAX_FILES
from tests.runtime.skills.bundles import EXPECTED, FILES, bundle_of

NAMES = st.from_regex(r"[A-Za-z0-9_][-A-Za-z0-9_]{0,5}(\.[-a-z0-9_]{1,3})?", fullmatch=True)
PATHS = st.lists(NAMES, min_size=1, max_size=4).map("/".join)


@given(st.dictionaries(PATHS, st.binary(max_size=2000), max_size=6))
def test_what_was_packed_is_unpacked_or_named_as_clashing(files: dict[str, bytes]) -> None:
    problems = list(clashes(files))
    if problems:
        with pytest.raises(SkillError) as refused:
            unpack(pack(files))
        assert list(refused.value.problems) == problems
    else:
        assert unpack(pack(files)) == files


def test_the_same_files_give_the_same_archive_in_any_order() -> None:
    assert pack(FILES) == pack(dict(sorted(FILES.items(), reverse=True)))


def test_nothing_of_this_machine_is_inside() -> None:
    with tarfile.open(fileobj=io.BytesIO(pack(FILES))) as tar:
        members = tar.getmembers()
    assert [member.name for member in members] == sorted(FILES)
    assert {(m.mtime, m.uid, m.gid, m.uname, m.gname, m.mode) for m in members} == {(0, 0, 0, "", "", 0o444)}


ARCHIVE = write_bundle(bundle_of())


@given(st.integers(0, len(ARCHIVE) - 1), st.integers(1, 255))
def test_a_flipped_byte_is_refused_or_changes_nothing(at: int, flip: int) -> None:
    changed = bytearray(ARCHIVE)
    changed[at] ^= flip
    # Some bytes of gzip's own header say nothing of what is inside.
    with contextlib.suppress(SkillError):
        assert verify_bundle(bytes(changed), EXPECTED) == bundle_of()


@given(st.integers(0, 10**6), st.integers(1, 255))
def test_a_flipped_byte_inside_is_refused(at: int, flip: int) -> None:
    raw = bytearray(gzip.decompress(ARCHIVE))
    raw[at % len(raw)] ^= flip
    with pytest.raises(SkillError):
        verify_bundle(gzip.compress(bytes(raw)), EXPECTED)


@given(st.binary(max_size=3000))
def test_noise_is_refused(noise: bytes) -> None:
    for archive in (noise, gzip.compress(noise), gzip.compress(gzip.decompress(ARCHIVE)[:512] + noise)):
        with pytest.raises(SkillError):
            read_bundle(archive)


def entry(name: str, kind: bytes = tarfile.REGTYPE, target: str = "") -> tarfile.TarInfo:
    info = tarfile.TarInfo(name)
    info.type, info.linkname, info.mode = kind, target, 0o444
    return info


def archive_of(*entries: tarfile.TarInfo, form: int = tarfile.USTAR_FORMAT) -> bytes:
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w:", format=form) as tar:
        for info in entries:
            tar.addfile(info, io.BytesIO(bytes(info.size)))
    return gzip.compress(out.getvalue())


def executable(name: str) -> tarfile.TarInfo:
    info = entry(name)
    info.mode = 0o755
    return info


def dated(name: str) -> tarfile.TarInfo:
    info = entry(name)
    info.mtime = 1.5
    return info


BAD: dict[str, tuple[Callable[[], bytes], str]] = {
    "an absolute path": (lambda: archive_of(entry("/etc/passwd")), "'/etc/passwd': is an absolute path"),
    "a way up": (lambda: archive_of(entry("crm/../../x")), "'crm/../../x': leads elsewhere"),
    "a hidden file": (lambda: archive_of(entry("crm/.env")), "'.env'"),
    "a name of other letters": (lambda: archive_of(entry("crm/ä")), "'ä'"),
    "a long path": (lambda: archive_of(entry("/".join(["a" * 90] * 2))), "too long"),
    "a deep path": (lambda: archive_of(entry("/".join("abcdefghi"))), "too long"),
    "a symbolic link": (lambda: archive_of(entry("crm/x", tarfile.SYMTYPE, "/etc")), "'crm/x': is a symbolic link"),
    "a hard link": (lambda: archive_of(entry("crm/x", tarfile.LNKTYPE, "y")), "'crm/x': is a hard link"),
    "a device": (lambda: archive_of(entry("crm/x", tarfile.CHRTYPE)), "'crm/x': is a device"),
    "a pipe": (lambda: archive_of(entry("crm/x", tarfile.FIFOTYPE)), "'crm/x': is a pipe"),
    "a folder": (lambda: archive_of(entry("crm", tarfile.DIRTYPE)), "'crm': is a folder"),
    "a file twice": (lambda: archive_of(entry("a"), entry("a")), "'a': is there twice"),
    "names alike": (lambda: archive_of(entry("a/X"), entry("a/x")), "a/x: differs from a/X in case alone"),
    "folders alike": (lambda: archive_of(entry("A/x"), entry("a/y")), "a: differs from A in case alone"),
    "a file that is a folder": (lambda: archive_of(entry("a"), entry("a/b")), "a: is a file and a folder too"),
    "another order": (lambda: archive_of(entry("b"), entry("a")), "not laid out"),
    "an executable file": (lambda: archive_of(executable("a")), "not laid out"),
    "headers of another format": (lambda: archive_of(dated("a"), form=tarfile.PAX_FORMAT), "not laid out"),
    "many files": (lambda: archive_of(*(entry(f"f{n:04}") for n in range(MAX_FILES + 3))), f"more than {MAX_FILES}"),
    "a bomb": (lambda: gzip.compress(bytes(MAX_BYTES + 1)), f"more than {MAX_BYTES} bytes"),
    "half of it": (lambda: ARCHIVE[: len(ARCHIVE) // 2], "ends too early"),
    "something behind it": (lambda: ARCHIVE + b"x", "goes on after its end"),
    "no archive": (lambda: b"PK", "no gzip file"),
    "no tar inside": (lambda: gzip.compress(b"x" * 2000), "damaged"),
}


@pytest.mark.parametrize("case", BAD)
def test_an_archive_is_refused_that_has(case: str) -> None:
    make, reason = BAD[case]
    with pytest.raises(SkillError) as refused:
        unpack(make())
    assert reason in str(refused.value)
