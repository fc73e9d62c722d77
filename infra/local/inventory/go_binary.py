"""What a Go program says it was built from, as `go version -m` shows it."""

import re
from dataclasses import dataclass

_MAGIC = b"\xff Go buildinf:"
_INLINE = 2
"""The flag of programs since Go 1.18, whose texts follow the header."""
_HEADER = 32
_SENTINEL = 16
"""Bytes of a mark before and after the list of modules."""
_MODULE = re.compile(r"^(?:mod|dep)\t(\S+)\t(\S+)[^\n]*(?:\n=>\t(\S+)\t(\S*))?", re.MULTILINE)
"""A module and its version, and what stands in its place where it is replaced."""


@dataclass(frozen=True)
class GoModule:
    """A module a program holds, and its version; `(devel)` is what was built from a work tree."""

    name: str
    version: str


def go_modules(program: bytes) -> tuple[str, list[GoModule]] | None:
    """The Go version and the modules of a program; None for one that is not Go's."""
    start = program.find(_MAGIC)
    # The header is aligned; the text alone may stand in any program, such as one that looks for it.
    while start != -1 and start % _SENTINEL:
        start = program.find(_MAGIC, start + 1)
    if start == -1 or not program[start + len(_MAGIC) + 1] & _INLINE:
        return None
    version, rest = _text(program, start + _HEADER)
    listed, _ = _text(program, rest)
    return version.decode(), _modules(listed[_SENTINEL:-_SENTINEL].decode())


def _modules(listed: str) -> list[GoModule]:
    return [GoModule(other or name, own or version) for name, version, other, own in _MODULE.findall(listed)]


def _text(program: bytes, at: int) -> tuple[bytes, int]:
    """A text with its length before it, in Go's variable-length encoding; and where it ends."""
    length = shift = 0
    while True:
        byte = program[at]
        at += 1
        length |= (byte & 0x7F) << shift
        shift += 7
        if byte < 0x80:
            return program[at : at + length], at + length
