"""What a bundle says of itself: the one text that is signed."""

import hashlib
import json
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from typing import Any, TypeVar

from runtime.skills.errors import SkillError
from runtime.skills.limits import MAX_MANIFEST_BYTES

FORMAT = "moltghost-skills/1"
MANIFEST_FILE = "manifest.json"
SIGNATURE_FILE = "manifest.sig"
ENTRY_FILE = "dist/index.js"
"""Of each skill: its compiled tools."""
PLUGIN_FILE = "openclaw.plugin.json"
PACKAGE_FILE = "package.json"
INSTRUCTIONS_FOLDER = "skills"
INSTRUCTIONS_FILE = "SKILL.md"

T = TypeVar("T")


@dataclass(frozen=True)
class Skill:
    """One skill: `id` is its OpenClaw plugin's and the bundle's folder it lies in, `instructions` name its SKILL.md."""

    id: str
    version: str
    tools: tuple[str, ...]
    instructions: tuple[str, ...]


@dataclass(frozen=True)
class File:
    """A file of the bundle: its path from the bundle's top, its size in bytes, its SHA-256 in hex."""

    path: str
    size: int
    sha256: str


@dataclass(frozen=True)
class Manifest:
    """A tenant's bundle. `openclaw` is the oldest version of OpenClaw its skills run in."""

    name: str
    version: str
    tenant: str
    openclaw: str
    skills: tuple[Skill, ...]
    files: tuple[File, ...]

    @property
    def digest(self) -> str:
        """The SHA-256 of the manifest in hex; since it names every file by its own, it names the bundle's content."""
        return hashlib.sha256(encode(self)).hexdigest()

    def skill(self, skill_id: str) -> Skill:
        """Raises SkillError for one the bundle lacks."""
        for skill in self.skills:
            if skill.id == skill_id:
                return skill
        has = ", ".join(skill.id for skill in self.skills)
        raise SkillError([f"skill {skill_id}: bundle {self.name} {self.version} has none of this name, but {has}"])

    def require_openclaw(self, version: str) -> None:
        """Raises SkillError where the skills need a newer OpenClaw than `version`."""
        if version_order(version) < version_order(self.openclaw):
            raise SkillError([f"bundle {self.name} {self.version}: needs OpenClaw {self.openclaw}, this is {version}"])


def describe_files(files: Mapping[str, bytes]) -> tuple[File, ...]:
    """Files as a manifest lists them."""
    return tuple(File(path, len(data), hashlib.sha256(data).hexdigest()) for path, data in sorted(files.items()))


def version_order(version: str) -> tuple[int, ...]:
    """What versions are sorted by. Raises ValueError for what is none."""
    return tuple(int(number) for number in version.split("."))


def encode(manifest: Manifest) -> bytes:
    """The one way to write this manifest."""
    text = json.dumps({"format": FORMAT, **asdict(manifest)}, sort_keys=True, indent=1)
    return text.encode() + b"\n"


def decode(raw: bytes) -> Manifest:
    """The manifest in `raw`. Raises SkillError, naming everything that is wrong with it."""
    if len(raw) > MAX_MANIFEST_BYTES:
        raise SkillError([f"{MANIFEST_FILE}: is larger than {MAX_MANIFEST_BYTES} bytes"])
    try:
        manifest = _manifest(json.loads(raw))
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
        raise SkillError([f"{MANIFEST_FILE}: is no manifest of format {FORMAT}"]) from None
    if encode(manifest) != raw:
        raise SkillError([f"{MANIFEST_FILE}: is not written as `moltghost skills build` writes it"])
    return manifest


def _manifest(found: Any) -> Manifest:
    if found["format"] != FORMAT:
        raise ValueError(FORMAT)
    return Manifest(
        **{field: _text(found[field]) for field in ("name", "version", "tenant", "openclaw")},
        skills=_each(found["skills"], _skill),
        files=_each(
            found["files"], lambda file: File(_text(file["path"]), _count(file["size"]), _text(file["sha256"]))
        ),
    )


def _skill(found: Any) -> Skill:
    tools, instructions = (_each(found[field], _text) for field in ("tools", "instructions"))
    return Skill(_text(found["id"]), _text(found["version"]), tools, instructions)


def _each(found: Any, read: Callable[[Any], T]) -> tuple[T, ...]:
    if not isinstance(found, list):
        raise TypeError(found)
    return tuple(read(one) for one in found)


def _text(found: Any) -> str:
    if not isinstance(found, str):
        raise TypeError(found)
    return found


def _count(found: Any) -> int:
    if type(found) is not int:
        raise TypeError(found)
    return found
