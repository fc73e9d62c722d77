"""The packages in an image, by what each kind of installer leaves behind."""

import email.parser
import json
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from email.message import Message
from enum import StrEnum

from infra.local.inventory.go_binary import go_modules

DPKG_STATUS = "var/lib/dpkg/status"
_COPYRIGHT = re.compile(r"usr/share/doc/([^/]+)/copyright")
_DIST_INFO = re.compile(r"(?:.*/)?[^/]+\.dist-info/METADATA")
_NODE_PACKAGE = re.compile(r"(?:.*/)?node_modules/(?:@[^/]+/)?[^/@]+/package\.json")
_PROGRAMS = "usr/local/bin/"
_NODE_VERSION = re.compile(rb"node-v(\d+\.\d+\.\d+)\.tar\.gz")
_NODE_LICENCE = "MIT"
_DEBIAN_LICENCE = re.compile(r"^License:[ \t]*(\S[^\n]*)", re.MULTILINE)
_COMMON_LICENCE = re.compile(r"/usr/share/common-licenses/([A-Za-z0-9.+-]*[A-Za-z0-9+])")
"""How a copyright file names a licence whose text Debian keeps in one place."""
_CLASSIFIER = "License :: OSI Approved :: "
_LONGEST_LICENCE = 80
"""Characters; what is longer is a licence's text, not its name."""


class Kind(StrEnum):
    """Where a package comes from, as a package URL calls it."""

    DEB = "deb"
    GENERIC = "generic"
    GO = "golang"
    NPM = "npm"
    PYPI = "pypi"


@dataclass(frozen=True, order=True)
class Package:
    """One package; `licences` as its maker names them, empty where nobody says."""

    kind: Kind
    name: str
    version: str
    licences: tuple[str, ...] = ()


def is_evidence(path: str, mode: int) -> bool:
    """Whether a file tells of packages."""
    if path.startswith(_PROGRAMS):
        return bool(mode & 0o111)
    patterns = (_COPYRIGHT, _DIST_INFO, _NODE_PACKAGE)
    return path == DPKG_STATUS or any(pattern.fullmatch(path) for pattern in patterns)


def find_packages(files: Mapping[str, bytes]) -> list[Package]:
    """Every package the files tell of, sorted, each once."""
    found: set[Package] = set()
    for path, content in files.items():
        if path == DPKG_STATUS:
            found |= set(_debian(content, files))
        elif _DIST_INFO.fullmatch(path):
            found.add(_python(content))
        elif _NODE_PACKAGE.fullmatch(path):
            found |= set(_node(content))
        elif path.startswith(_PROGRAMS):
            found |= set(_program(path.removeprefix(_PROGRAMS), content))
    return sorted(found)


def _debian(status: bytes, files: Mapping[str, bytes]) -> Iterator[Package]:
    for paragraph in status.decode().split("\n\n"):
        fields = email.parser.HeaderParser().parsestr(paragraph)
        if fields.get("Status", "").endswith(" installed"):
            told = files.get(f"usr/share/doc/{fields['Package']}/copyright", b"").decode(errors="replace")
            named = _DEBIAN_LICENCE.findall(told) or _COMMON_LICENCE.findall(told)
            yield Package(Kind.DEB, fields["Package"], fields["Version"], _names(named))


def _python(metadata: bytes) -> Package:
    fields = email.parser.HeaderParser().parsestr(metadata.decode(errors="replace"))
    return Package(Kind.PYPI, fields["Name"].lower().replace("_", "-"), fields["Version"], _python_licences(fields))


def _python_licences(fields: Message) -> tuple[str, ...]:
    said = fields.get("License-Expression") or fields.get("License") or ""
    if named := _names([said]):
        return named
    classifiers = fields.get_all("Classifier") or []
    return _names(one.removeprefix(_CLASSIFIER) for one in classifiers if one.startswith(_CLASSIFIER))


def _node(manifest: bytes) -> Iterator[Package]:
    fields = json.loads(manifest)
    if "name" in fields and "version" in fields:  # else it only says how the files beside it are read
        said = fields.get("license") or fields.get("licenses") or []
        entries = said if isinstance(said, list) else [said]
        named = (entry.get("type", "") if isinstance(entry, dict) else entry for entry in entries)
        yield Package(Kind.NPM, fields["name"], fields["version"], _names(named))


def _program(name: str, content: bytes) -> Iterator[Package]:
    """A program nothing else tells of: itself, and what is built into it."""
    if built := go_modules(content):
        version, modules = built
        yield Package(Kind.GO, "stdlib", version.removeprefix("go").partition(" ")[0], ("BSD-3-Clause",))
        yield from (Package(Kind.GO, module.name, module.version) for module in modules)
    elif name == "node" and (release := _NODE_VERSION.search(content)):
        yield Package(Kind.GENERIC, name, release[1].decode(), (_NODE_LICENCE,))
    else:
        yield Package(Kind.GENERIC, name, "")


def _names(said: Iterable[str]) -> tuple[str, ...]:
    """Licences that are named, in their order, each once."""
    trimmed = (name.strip() for name in said)
    return tuple(dict.fromkeys(name for name in trimmed if name and len(name) <= _LONGEST_LICENCE and "\n" not in name))
