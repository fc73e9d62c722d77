"""The one file a bundle travels in: a compressed tar archive, the same bytes inside for the same files."""

import gzip
import io
import tarfile
import zlib
from collections.abc import Iterator, Mapping

from runtime.skills.errors import SkillError, require
from runtime.skills.filenames import clashes, path_problem
from runtime.skills.limits import MAX_BYTES, MAX_FILES

_MODE = 0o444
_GZIP = 16 + zlib.MAX_WBITS
_ENTRIES = MAX_FILES + 2
"""The files, their manifest and its signature."""
_KINDS = {
    tarfile.LNKTYPE: "a hard link",
    tarfile.SYMTYPE: "a symbolic link",
    tarfile.CHRTYPE: "a device",
    tarfile.BLKTYPE: "a device",
    tarfile.FIFOTYPE: "a pipe",
    tarfile.DIRTYPE: "a folder",
}


def pack(files: Mapping[str, bytes]) -> bytes:
    """An archive of files by their paths: sorted, without times, owners or anything else of the machine it is made on.

    Compressed bytes may differ between versions of zlib; what is inside does not.
    """
    return gzip.compress(_tar(files), compresslevel=9, mtime=0)


def unpack(archive: bytes) -> dict[str, bytes]:
    """The files in an archive that `pack` made. Raises SkillError for any other, before more than its limit is read."""
    raw = _decompress(archive)
    try:
        with tarfile.open(fileobj=io.BytesIO(raw), mode="r:") as tar:
            files = dict(_read(tar))
    except (tarfile.TarError, ValueError, EOFError, OSError, OverflowError):
        raise SkillError(["the archive is damaged: get it again, or build it again"]) from None
    require(clashes(files))
    if _tar(files) != raw:
        raise SkillError(["the archive is not laid out as `moltghost skills build` lays it out: build it again"])
    return files


def _decompress(archive: bytes) -> bytes:
    inflate = zlib.decompressobj(_GZIP)
    try:
        raw = inflate.decompress(archive, MAX_BYTES + 1)
    except zlib.error:
        raise SkillError(["the archive is no gzip file, or a damaged one"]) from None
    if len(raw) > MAX_BYTES:
        raise SkillError([f"the archive holds more than {MAX_BYTES} bytes"])
    if not inflate.eof:
        raise SkillError(["the archive ends too early"])
    if inflate.unused_data:
        raise SkillError(["the archive goes on after its end"])
    return raw


def _read(tar: tarfile.TarFile) -> Iterator[tuple[str, bytes]]:
    seen: set[str] = set()
    for member in tar:
        if len(seen) == _ENTRIES:
            raise SkillError([f"the archive holds more than {MAX_FILES} files"])
        if member.name in seen:
            raise SkillError([f"{member.name!r}: is there twice"])
        if member.type not in tarfile.REGULAR_TYPES:
            raise SkillError([f"{member.name!r}: is {_KINDS.get(member.type, 'no file')}; a bundle holds plain files"])
        if problem := path_problem(member.name):
            raise SkillError([f"{member.name!r}: {problem}"])
        seen.add(member.name)
        content = tar.extractfile(member)
        yield member.name, content.read() if content else b""


def _tar(files: Mapping[str, bytes]) -> bytes:
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w:", format=tarfile.USTAR_FORMAT) as tar:
        for path, data in sorted(files.items()):
            entry = tarfile.TarInfo(path)
            entry.size, entry.mode = len(data), _MODE
            tar.addfile(entry, io.BytesIO(data))
    return out.getvalue()
