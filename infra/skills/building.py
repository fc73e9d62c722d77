"""A bundle of a folder of skills."""

import json
import stat
from collections.abc import Iterator
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from infra.skills.compiling import compile_skill
from infra.skills.metadata import ENTRY
from infra.skills.secrecy import holds_private_key, looks_secret
from infra.skills.sources import Source, read_sources
from runtime.skills.bundle import Bundle, seal
from runtime.skills.config_map import require_fits
from runtime.skills.errors import SkillError, require
from runtime.skills.manifest import (
    ENTRY_FILE,
    INSTRUCTIONS_FOLDER,
    PACKAGE_FILE,
    PLUGIN_FILE,
    Manifest,
    describe_files,
)


def build(folder: Path, tenant: str, key: Ed25519PrivateKey) -> Bundle:
    """Check, compile and sign the skills in `folder`. Raises SkillError, naming everything that is wrong.

    The same sources, built with the same packages, give the same bundle wherever they lie.
    """
    sources = read_sources(folder)
    files = {path: data for source in sources.skills for path, data in _ship(source, folder)}
    require(f"{path}: holds a private key; take it out" for path, data in files.items() if holds_private_key(data))
    skills = tuple(source.skill for source in sources.skills)
    manifest = Manifest(sources.name, sources.version, tenant, sources.openclaw, skills, describe_files(files))
    bundle = seal(manifest, files, key)
    require_fits(bundle.contents)
    return bundle


def _ship(source: Source, top: Path) -> Iterator[tuple[str, bytes]]:
    """The files of a skill that go into a bundle, and no others."""
    instructions = dict(_instructions(source))
    own = {
        PACKAGE_FILE: _json(_package(source)),
        PLUGIN_FILE: _json(source.plugin),
        ENTRY_FILE: compile_skill(source, top),
    }
    return ((f"{source.skill.id}/{path}", data) for path, data in (own | instructions).items())


def _package(source: Source) -> dict[str, object]:
    """What OpenClaw reads of a package.json: neither scripts nor packages go along."""
    skill = source.skill
    return {"name": skill.id, "version": skill.version, "type": "module", "openclaw": {"extensions": [ENTRY]}}


def _json(document: object) -> bytes:
    return json.dumps(document, indent=2, sort_keys=True).encode() + b"\n"


def _instructions(source: Source) -> Iterator[tuple[str, bytes]]:
    """Everything beside a skill's SKILL.md files. Raises SkillError for what does not belong there."""
    found = sorted((source.folder / INSTRUCTIONS_FOLDER).rglob("*"))
    require(problem for path in found if (problem := _unfit(source, path)))
    try:
        for path in found:
            if path.is_file():
                yield path.relative_to(source.folder).as_posix(), path.read_bytes()
    except OSError as error:
        raise SkillError([f"{error.filename}: cannot be read: {error.strerror}"]) from None


def _unfit(source: Source, path: Path) -> str | None:
    where, mode = path.relative_to(source.folder).as_posix(), path.lstat().st_mode
    if not (stat.S_ISREG(mode) or stat.S_ISDIR(mode)):
        return f"{source.skill.id}/{where}: is neither a file nor a folder; copy what it leads to"
    if looks_secret(path.name):
        return f"{source.skill.id}/{where}: looks like a secret; a bundle can be read by all who run the agent"
    if path.name == "node_modules":
        return f"{source.skill.id}/{where}: belongs to no skill; import packages in src/, and they are compiled in"
    return None
