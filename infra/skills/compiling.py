"""A skill's TypeScript: checked, and made into one file with all it needs but OpenClaw's own."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from infra.skills.secrecy import looks_secret
from infra.skills.sources import CONFIG_FILE, SOURCE, Source
from runtime.skills.errors import SkillError, require
from runtime.skills.manifest import ENTRY_FILE, PLUGIN_FILE

_TIMEOUT_S = 300
_TAIL_CHARS = 4000
_SDK = "openclaw/plugin-sdk/tool-plugin"
_FROM_OPENCLAW = ("openclaw", "openclaw/*", "typebox", "typebox/*")
"""What OpenClaw brings where the skill runs, and a bundle leaves out."""
_CODE = (".cjs", ".cts", ".js", ".mjs", ".mts", ".ts")
_DECLARED = Path(__file__).with_name("declared.mjs")


def compile_skill(source: Source, top: Path) -> bytes:
    """The skill's tools as one JavaScript file, which is left in its dist/ too.

    The programs are those its package-lock.json pins, found in node_modules up to `top`. Raises SkillError.
    """
    _run(source, [_program(source, top, "tsc", "typescript"), "--noEmit", "--project", CONFIG_FILE])
    compiled = source.folder / ENTRY_FILE
    with TemporaryDirectory() as made:
        facts = Path(made, "facts.json")
        _run(source, [_program(source, top, "esbuild", "esbuild"), *_bundling(compiled, facts)])
        made_of = json.loads(facts.read_bytes())
        require(_strangers(source, top, made_of["inputs"]))
        if _imports_of_openclaw(made_of["outputs"]) <= {_SDK}:
            declared = Path(made, "declared.json")
            _run(source, ["node", str(_DECLARED), str(compiled.resolve()), str(declared)])
            require(_undeclared(source, json.loads(declared.read_bytes())))
    return compiled.read_bytes()


def _bundling(compiled: Path, facts: Path) -> list[str]:
    return [
        SOURCE,
        "--bundle",
        "--platform=node",
        "--format=esm",
        "--target=node24",
        "--charset=utf8",
        "--log-level=warning",
        *(f"--external:{name}" for name in _FROM_OPENCLAW),
        f"--outfile={compiled.resolve()}",
        f"--metafile={facts}",
    ]


def _strangers(source: Source, top: Path, inputs: Sequence[str]) -> Iterator[str]:
    """Files that were compiled in and should not have been."""
    for path in inputs:
        file = Path(source.folder, path).resolve()
        if not file.is_relative_to(top.resolve()):
            yield f"{source.skill.id}: compiles in {file}, which lies outside of {top}"
        elif "node_modules" not in file.parts and file.suffix not in _CODE and looks_secret(file.name):
            yield f"{source.skill.id}: compiles in {path}, which looks like a secret; skills read secrets from files"


def _imports_of_openclaw(outputs: dict[str, Any]) -> set[str]:
    imports = (one["path"] for output in outputs.values() for one in output["imports"] if one.get("external"))
    return {path for path in imports if path.startswith("openclaw")}


def _undeclared(source: Source, declared: dict[str, Any]) -> Iterator[str]:
    """Where a compiled skill and its openclaw.plugin.json differ: OpenClaw believes the latter, and runs the former."""
    listed = {
        "id": source.skill.id,
        "name": source.plugin["name"],
        "description": source.plugin["description"],
        "configSchema": source.plugin["configSchema"],
        "tools": list(source.skill.tools),
    }
    for field, value in listed.items():
        found = declared.get(field)
        if (sorted(found) if field == "tools" and found else found) != value:
            yield f"{source.skill.id}/{PLUGIN_FILE}: {field} is {value!r}, but {found!r} in {SOURCE}; write both alike"


def _program(source: Source, top: Path, name: str, package: str) -> str:
    folder = source.folder.resolve()
    while folder.is_relative_to(top.resolve()):
        found = folder / "node_modules" / ".bin" / name
        if found.exists():
            return str(found)
        folder = folder.parent
    raise SkillError(
        [f"{source.skill.id}: {package} is not installed; it belongs into devDependencies; then run `npm ci` in {top}"]
    )


def _run(source: Source, command: list[str]) -> None:
    program = Path(command[0]).name
    # Where this environment brings a Node, it is that one; npm's programs look for it on PATH.
    path = os.pathsep.join([str(Path(sys.executable).parent), os.environ.get("PATH", os.defpath)])
    try:
        done = subprocess.run(
            command,
            cwd=source.folder,
            env={**os.environ, "PATH": path},
            capture_output=True,
            text=True,
            timeout=_TIMEOUT_S,
            check=False,
        )
    except FileNotFoundError:
        raise SkillError([f"{program} is not on PATH: install Node 24 or newer"]) from None
    except subprocess.TimeoutExpired:
        raise SkillError([f"{source.skill.id}: {program} took longer than {_TIMEOUT_S} s"]) from None
    if done.returncode != 0:
        said = (done.stdout + done.stderr).strip()[-_TAIL_CHARS:]
        raise SkillError([f"{source.skill.id}: {program} says:\n{said}"])
