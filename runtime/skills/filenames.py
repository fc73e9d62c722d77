"""Which paths a bundle may hold: such that mean the same file on every system it passes through."""

import re
from collections.abc import Iterable, Iterator

from runtime.skills.limits import MAX_DEPTH, MAX_NAME, MAX_PATH

_NAME = re.compile(r"[A-Za-z0-9_][-A-Za-z0-9_]*(\.[-A-Za-z0-9_]+)*")
"""No hidden file, no `.` or `..`, no two dots in a row, no dot last."""


def path_problem(path: str) -> str | None:
    """What is wrong with a path, for a sentence that begins with it; None for a good one."""
    names = path.split("/")
    if path.startswith("/"):
        return "is an absolute path; a bundle holds relative ones"
    if any(name in (".", "..") for name in names):
        return "leads elsewhere: `.` and `..` have no place in a path"
    if len(path) > MAX_PATH or len(names) > MAX_DEPTH or max(map(len, names)) > MAX_NAME:
        return f"is too long: {MAX_PATH} characters, {MAX_DEPTH} names and {MAX_NAME} characters a name are the most"
    wrong = next((name for name in names if _NAME.fullmatch(name) is None), None)
    if wrong is not None:
        return f"holds the name {wrong!r}; names are letters, digits, `_`, `-` and single dots inside"
    return None


def clashes(paths: Iterable[str]) -> Iterator[str]:
    """Paths that cannot stand beside each other: those differing in case alone, and files that are folders too."""
    files = set(paths)
    spelled: dict[str, str] = {}
    for path in sorted(files):
        for part in (*_folders(path), path):
            first = spelled.setdefault(part.lower(), part)
            if first != part:
                yield f"{part}: differs from {first} in case alone; rename one of them"
        yield from (f"{folder}: is a file and a folder too" for folder in _folders(path) if folder in files)


def _folders(path: str) -> Iterator[str]:
    names = path.split("/")
    return ("/".join(names[:count]) for count in range(1, len(names)))
