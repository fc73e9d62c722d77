"""What people are told is what there is: settings, targets, commands, links."""

import re
from pathlib import Path

import click
import pytest
from pydantic import BaseModel

from infra.cli import COMMANDS, main
from infra.settings import SECRETS
from infra.settings.kinds import KINDS
from infra.settings.reference import documented_settings, render_reference

ROOT = Path(__file__).resolve().parents[1]
PAGES = [ROOT / "README.md", ROOT / "CHANGELOG.md", *sorted((ROOT / "docs").rglob("*.md"))]
TARGETS = re.findall(r"^([a-z]+):.*##", (ROOT / "Makefile").read_text(), re.MULTILINE)


def leaves(model: type[BaseModel]) -> set[str]:
    """Names of every field below a model, found by another way than the reference's own."""
    names: set[str] = set()
    schema = model.model_json_schema()
    for part in [schema, *schema.get("$defs", {}).values()]:
        names |= set(part.get("properties", {}))
    return names


def test_every_setting_is_documented() -> None:
    said = {part for one in documented_settings() for part in re.split(r"[.:\[\]]+", one.path)}
    assert {leaf for kind in KINDS.values() for leaf in leaves(kind)} - said == set()
    page = (ROOT / "docs" / "settings.md").read_text()
    assert page == render_reference(), "run `make gen`"
    assert all(f"moltghost:{name}" in page for name in SECRETS)


def test_every_setting_says_what_it_takes() -> None:
    assert [one.path for one in documented_settings() if len(one.takes) < 10] == []


@pytest.mark.parametrize("target", TARGETS)
def test_every_target_is_in_the_readme(target: str) -> None:
    assert f"`make {target}`" in (ROOT / "README.md").read_text()


def test_the_readme_names_no_target_that_is_not_there() -> None:
    named = set(re.findall(r"`make ([a-z]+)", (ROOT / "README.md").read_text()))
    assert named <= set(TARGETS)
    assert {"setup", "up", "down", "status", "test", "lint", "bench", "gen", "check", "preview"} <= set(TARGETS)


@pytest.mark.parametrize("command", sorted(COMMANDS))
def test_every_command_says_what_it_does(command: str) -> None:
    found = main.get_command(click.Context(main), command)
    assert found is not None
    assert found.help


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_no_link_leads_nowhere(page: Path) -> None:
    targets = re.findall(r"\]\((?!https?:)([^)#]+)", page.read_text())
    assert [target for target in targets if not (page.parent / target).exists()] == []
