"""A stack that asks itself, by the real engine: nothing at first, then what its last update exported."""

from pathlib import Path

import pytest
import yaml

from infra.local.engine import Engine
from tests.infra.local.providers.control_plane import tool

PROGRAM = """
import pulumi
from infra.stacks.references import last_output

async def main():
    last = await last_output("version")
    print(f"the last update exported {last}")
    pulumi.export("version", pulumi.Config().require("version"))
    pulumi.export("hidden", pulumi.Output.secret("what nobody may see"))

pulumi.run(main)
"""


@pytest.fixture
def engine(tmp_path: Path) -> Engine:
    project = tmp_path / "project"
    project.mkdir()
    (project / "Pulumi.yaml").write_text(yaml.safe_dump({"name": "tiny", "runtime": "python"}))
    (project / "__main__.py").write_text(PROGRAM)
    made = Engine(tmp_path / "state", tmp_path / "settings.yaml", project, tool("pulumi"))
    set_version(made, "1.35")
    made.prepare()
    return made


def set_version(engine: Engine, version: str) -> None:
    engine.config_file.write_text(yaml.safe_dump({"config": {"tiny:version": version}}))


def said_by_up(engine: Engine) -> str:
    lines: list[str] = []
    engine.up(on_line=lines.append)
    return "\n".join(lines)


def test_a_stack_learns_what_it_exported_last(engine: Engine) -> None:
    assert "the last update exported None" in said_by_up(engine)
    set_version(engine, "1.36")
    assert "the last update exported 1.35" in said_by_up(engine)
    assert set(engine.preview_json().get("changeSummary", {})) <= {"same"}
    assert "what nobody may see" not in "".join(file.read_text() for file in engine.backend.rglob("*.json"))
