"""What must hold before OpenClaw starts: its skills are the tenant's, and no secret stands where others can read it."""

import json
import logging
import shutil
import sys
from collections.abc import Mapping
from pathlib import Path

from runtime.agent.failures import AgentError
from runtime.agent.openclaw.config import OpenClawFiles
from runtime.agent.openclaw.process import Installed
from runtime.agent.secrets import exposed_texts, read_all, require_no_leak
from runtime.agent.settings import AgentSettings
from runtime.http.log import event
from runtime.skills.bundle import Expected
from runtime.skills.errors import SkillError
from runtime.skills.tree import verify_tree

_UNSIGNED = ("skills", "agents/*/agent/workshop-skills", "workspace/skills", "workspace/.agents/skills")
"""In OpenClaw's folder: where it would find skills nobody signed, before those that were. No setting turns that off."""

_log = logging.getLogger("skills")


def verify_skills(settings: AgentSettings, installed: Installed) -> None:
    """Raises AgentError unless the skills mounted are exactly those the agent was given, signed by its tenant."""
    if settings.skills_key is None:
        return
    expected = Expected(settings.skills_key, settings.tenant, settings.skills_digest)
    package = installed.openclaw.parent / "package.json"
    try:
        manifest = verify_tree(settings.places.skills, expected)
        manifest.require_openclaw(json.loads(package.read_text())["version"])
    except SkillError as error:
        raise AgentError(f"the skills cannot be used: {error}") from error


def remove_unsigned_skills(settings: AgentSettings) -> None:
    """Remove what the agent itself wrote where OpenClaw looks for skills. Raises AgentError if it stays."""
    folder = OpenClawFiles.of(settings.places).folder
    for found in [path for pattern in _UNSIGNED for path in folder.glob(pattern)]:
        event(_log, logging.WARNING, "unsigned skills removed", folder=str(found.relative_to(folder)))
        try:
            remove(found)
        except OSError as error:
            raise AgentError(f"{found}: unsigned skills cannot be removed: {error.strerror}") from error


def remove(path: Path) -> None:
    """A folder with all in it, or a file, or a link and not what it leads to. Raises OSError."""
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    else:
        path.unlink()


def require_nothing_exposed(settings: AgentSettings, environ: Mapping[str, str]) -> None:
    """Raises AgentError if a secret of the agent's stands in its environment, arguments or OpenClaw's configuration."""
    live = OpenClawFiles.of(settings.places).live.read_text()
    require_no_leak(read_all(settings.places.secrets), exposed_texts(environ, sys.argv, live))
