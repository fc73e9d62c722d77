"""A folder of skills as their developer has it, checked before anything is compiled."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError

from components.agent.openclaw import PROVIDER
from components.agent.openclaw_spec import NEVER, SHELL_TOOLS
from infra.skills.metadata import Head, Package, Plugin, Root, complaints, front_matter
from runtime.skills.errors import SkillError
from runtime.skills.manifest import (
    INSTRUCTIONS_FILE,
    INSTRUCTIONS_FOLDER,
    PACKAGE_FILE,
    PLUGIN_FILE,
    Skill,
    version_order,
)

LOCK_FILE = "package-lock.json"
CONFIG_FILE = "tsconfig.json"
SOURCE = "src/index.ts"

M = TypeVar("M", bound=BaseModel)


@dataclass(frozen=True)
class Source:
    """One skill: the folder it is developed in, what it is, and its openclaw.plugin.json."""

    folder: Path
    skill: Skill
    floor: str
    plugin: dict[str, Any]


@dataclass(frozen=True)
class Sources:
    """A bundle to be: the skills in a folder."""

    folder: Path
    name: str
    version: str
    skills: tuple[Source, ...]

    @property
    def openclaw(self) -> str:
        """The oldest version of OpenClaw all of them run in."""
        return max((source.floor for source in self.skills), key=version_order)


class _Reader:
    """Reads files of a folder; what is wrong with them adds up in `problems`."""

    def __init__(self, top: Path) -> None:
        self._top = top
        self.problems: list[str] = []

    def say(self, path: Path, problem: str) -> None:
        self.problems.append(f"{path.relative_to(self._top)}: {problem}")

    def require_file(self, path: Path, why: str) -> None:
        if not path.is_file():
            self.say(path, f"is missing; {why}")

    def json(self, path: Path, model: type[M]) -> tuple[M, dict[str, Any]] | None:
        text = self._text(path)
        if text is None:
            return None
        try:
            document = json.loads(text)
        except ValueError as error:
            self.say(path, f"is no JSON: {error}")
            return None
        checked = self.check(path, model, document)
        return None if checked is None else (checked, document)

    def head(self, path: Path) -> Head | None:
        text = self._text(path)
        if text is None:
            return None
        try:
            return self.check(path, Head, front_matter(text))
        except ValueError as error:
            self.say(path, str(error))
            return None

    def check(self, path: Path, model: type[M], document: object) -> M | None:
        try:
            return model.model_validate(document, strict=True)
        except ValidationError as error:
            for complaint in complaints(error):
                self.say(path, complaint)
            return None

    def _text(self, path: Path) -> str | None:
        try:
            return path.read_text(encoding="utf-8")
        except (OSError, UnicodeDecodeError) as error:
            reason = error.strerror if isinstance(error, OSError) else "is not UTF-8"
            self.say(path, f"cannot be read: {reason}")
            return None


def read_sources(folder: Path) -> Sources:
    """The skill in `folder`, or all those in its folders. Raises SkillError, naming everything that is wrong."""
    folders = [one.parent for pattern in (PLUGIN_FILE, f"*/{PLUGIN_FILE}") for one in sorted(folder.glob(pattern))]
    if not folders:
        raise SkillError([f"{folder}: neither it nor a folder in it holds a skill's {PLUGIN_FILE}"])
    reader = _Reader(folder)
    root = reader.json(folder / PACKAGE_FILE, Root)
    reader.require_file(folder / LOCK_FILE, "`npm install` writes it, and it pins what the skills are built with")
    sources = [source for source in (_source(reader, one) for one in folders) if source is not None]
    if root is None or reader.problems:
        raise SkillError(reader.problems)
    return Sources(folder, root[0].bundle, root[0].version, tuple(sorted(sources, key=lambda source: source.skill.id)))


def _source(reader: _Reader, folder: Path) -> Source | None:
    reader.require_file(folder / SOURCE, "a skill's tools begin there")
    reader.require_file(folder / CONFIG_FILE, "it says how TypeScript checks the skill")
    names = tuple(_instructions(reader, folder))
    package, plugin = reader.json(folder / PACKAGE_FILE, Package), reader.json(folder / PLUGIN_FILE, Plugin)
    if package is None or plugin is None:
        return None
    says, document = plugin
    if says.version != package[0].version:
        reader.say(folder / PLUGIN_FILE, f"version: is {says.version}, but {package[0].version} in {PACKAGE_FILE}")
    for name in (says.id, *says.contracts.tools):
        if reason := taken(name):
            reader.say(
                folder / PLUGIN_FILE, f"no agent could have {name!r}, for OpenClaw has one: {reason}; rename yours"
            )
    skill = Skill(says.id, says.version, tuple(sorted(says.contracts.tools)), names)
    return Source(folder, skill, package[0].floor, document)


def taken(name: str) -> str | None:
    """Why no skill and no tool of a tenant's can have this name; None for a free one."""
    if name in (PROVIDER, *SHELL_TOOLS):
        return "it is the agent's own"
    return NEVER.get(name)


def _instructions(reader: _Reader, folder: Path) -> Iterator[str]:
    """The names of a skill's SKILL.md files, which are those of their folders."""
    top = folder / INSTRUCTIONS_FOLDER
    files = sorted(top.glob(f"*/{INSTRUCTIONS_FILE}"))
    if not files:
        reader.say(top, f"holds no <name>/{INSTRUCTIONS_FILE}, which tells the model when to use the tools")
    for path in files:
        head = reader.head(path)
        if head is not None and head.name != path.parent.name:
            reader.say(path, f"name: is {head.name}, but its folder is {path.parent.name}; name both alike")
        elif head is not None:
            yield head.name
