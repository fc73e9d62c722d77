"""What a manifest must be like, whoever made it."""

import re
from collections.abc import Iterator

from runtime.skills.filenames import clashes, path_problem
from runtime.skills.limits import MAX_BYTES, MAX_FILES
from runtime.skills.manifest import (
    ENTRY_FILE,
    INSTRUCTIONS_FILE,
    INSTRUCTIONS_FOLDER,
    PACKAGE_FILE,
    PLUGIN_FILE,
    Manifest,
    Skill,
)

NAME = re.compile(r"[a-z]([-a-z0-9]{0,61}[a-z0-9])?")
"""Of a bundle, a skill, its instructions and a tenant."""
TOOL = re.compile(r"[a-z][_a-z0-9]{0,63}")
VERSION = re.compile(r"(0|[1-9][0-9]{0,8})\.(0|[1-9][0-9]{0,8})\.(0|[1-9][0-9]{0,8})")
_SHA256 = re.compile(r"[0-9a-f]{64}")


def manifest_problems(manifest: Manifest) -> Iterator[str]:
    """What is wrong with a manifest, whoever made it."""
    yield from _unlike(NAME, "name", manifest.name)
    yield from _unlike(VERSION, "version", manifest.version)
    yield from _unlike(NAME, "tenant", manifest.tenant)
    yield from _unlike(VERSION, "openclaw", manifest.openclaw)
    yield from _skill_problems(manifest.skills)
    yield from _file_problems(manifest)


def _skill_problems(skills: tuple[Skill, ...]) -> Iterator[str]:
    if not skills:
        yield "lists no skill"
    for skill in skills:
        yield from _unlike(NAME, "skill", skill.id)
        yield from _unlike(VERSION, f"skill {skill.id}: version", skill.version)
        for tool in skill.tools:
            yield from _unlike(TOOL, f"skill {skill.id}: tool", tool)
        for name in skill.instructions:
            yield from _unlike(NAME, f"skill {skill.id}: instructions", name)
    yield from _repeated("skill", (skill.id for skill in skills))
    yield from _repeated("tool", (tool for skill in skills for tool in skill.tools))
    yield from _repeated("instructions", (name for skill in skills for name in skill.instructions))


def _file_problems(manifest: Manifest) -> Iterator[str]:
    paths = [file.path for file in manifest.files]
    if paths != sorted(set(paths)):
        yield "lists its files out of order, or one twice"
    for file in manifest.files:
        if problem := path_problem(file.path):
            yield f"{file.path!r} {problem}"
        if file.size < 0 or _SHA256.fullmatch(file.sha256) is None:
            yield f"{file.path!r} has no size or no SHA-256"
    yield from clashes(paths)
    yield from (f"{path}: is needed and not listed" for path in _needed(manifest) if path not in paths)
    folders = {skill.id for skill in manifest.skills}
    yield from (f"{path}: belongs to no skill" for path in paths if path.partition("/")[0] not in folders)
    yield from too_much(len(paths), sum(file.size for file in manifest.files))


def too_much(files: int, size: int) -> Iterator[str]:
    """What is too much about so many files of so many bytes together."""
    if files > MAX_FILES:
        yield f"{files} files; a bundle holds {MAX_FILES} at most"
    if size > MAX_BYTES:
        yield f"{size} bytes; a bundle holds {MAX_BYTES} at most"


def _needed(manifest: Manifest) -> Iterator[str]:
    for skill in manifest.skills:
        yield from (f"{skill.id}/{name}" for name in (PACKAGE_FILE, PLUGIN_FILE, ENTRY_FILE))
        yield from (f"{skill.id}/{INSTRUCTIONS_FOLDER}/{name}/{INSTRUCTIONS_FILE}" for name in skill.instructions)


def _unlike(pattern: re.Pattern[str], what: str, value: str) -> Iterator[str]:
    if pattern.fullmatch(value) is None:
        yield f"{what} {value!r} does not match {pattern.pattern}"


def _repeated(what: str, names: Iterator[str]) -> Iterator[str]:
    seen: set[str] = set()
    for name in names:
        if name in seen:
            yield f"{what} {name}: is there twice"
        seen.add(name)
