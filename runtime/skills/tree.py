"""An unpacked bundle in a folder, as a pod has it mounted."""

import re
import stat
from collections.abc import Iterator
from itertools import islice
from pathlib import Path

from runtime.skills.bundle import Expected, open_bundle
from runtime.skills.errors import SkillError, require
from runtime.skills.limits import MAX_DEPTH, MAX_FILES
from runtime.skills.manifest import Manifest
from runtime.skills.rules import too_much

_CURRENT = "..data"
"""In a Kubernetes volume: a link to the folder of the current files, through which each name at the top is a link."""
_GENERATION = re.compile(r"\.\.[0-9]{4}(_[0-9]{2}){5}\.[0-9]+")
"""That folder's name: when it was made."""
_OWN_FILES = 2


def verify_tree(directory: Path, expected: Expected) -> Manifest:
    """The manifest of the bundle in `directory`, plain or as Kubernetes mounts it, if it is the one expected.

    Raises SkillError, naming every file that is wrong: nothing there may be unlisted, nothing listed be missing.
    """
    try:
        top = _top(directory)
        files = dict(islice(_walk(top, "", MAX_DEPTH), MAX_FILES + _OWN_FILES + 1))
        require(too_much(len(files) - _OWN_FILES, sum(path.lstat().st_size for path in files.values())))
        contents = {name: path.read_bytes() for name, path in files.items()}
    except OSError as error:
        raise SkillError([f"{error.filename or directory}: cannot be read: {error.strerror}"]) from None
    return open_bundle(contents, expected).manifest


def _top(directory: Path) -> Path:
    """The folder the files are in. Raises SkillError for a Kubernetes volume that holds anything else, OSError."""
    current = directory / _CURRENT
    if not current.is_symlink():
        return directory
    target = directory / current.readlink()
    if not _is_generation(target) or target.parent != directory:
        raise SkillError([f"{_CURRENT}: leads out of the volume"])
    require(_stray(directory, {path.name for path in target.iterdir()}))
    return target


def _stray(volume: Path, names: set[str]) -> Iterator[str]:
    """What at the top of a Kubernetes volume is not of its own making: it has one link for each of the names."""
    linked: set[str] = set()
    for path in sorted(volume.iterdir()):
        if path.is_symlink() and path.name in names and path.readlink() == Path(_CURRENT, path.name):
            linked.add(path.name)
        elif path.name != _CURRENT and not _is_generation(path):
            yield f"{path.name}: is not in the manifest"
    yield from (f"{name}: is missing" for name in sorted(names - linked))


def _is_generation(path: Path) -> bool:
    return _GENERATION.fullmatch(path.name) is not None and path.is_dir() and not path.is_symlink()


def _walk(folder: Path, prefix: str, depth: int) -> Iterator[tuple[str, Path]]:
    for path in sorted(folder.iterdir()):
        inside = f"{prefix}{path.name}"
        mode = path.lstat().st_mode
        if stat.S_ISDIR(mode) and depth > 1:
            yield from _walk(path, f"{inside}/", depth - 1)
        elif stat.S_ISREG(mode):
            yield inside, path
        else:
            raise SkillError([f"{inside}: is neither a file nor a folder of a bundle"])
