"""The pins of what an agent runs, and what is refused."""

import pytest

from infra.local.catalogue import CATALOGUE
from infra.local.floors import FLOORS, require_floor
from infra.local.go_build import ToolError
from infra.local.openclaw import pinned_openclaw


def test_what_is_pinned_is_above_its_floor() -> None:
    pins = {"ollama": CATALOGUE["ollama"].version, "openclaw": pinned_openclaw()}
    assert pins.keys() == FLOORS.keys()
    for program, version in pins.items():
        require_floor(program, version)


@pytest.mark.parametrize(
    ("program", "version"),
    [
        ("openclaw", "2026.5.17"),
        ("openclaw", "2026.5.18-beta.3"),
        ("openclaw", "2025.12.31"),
        ("ollama", "v0.17.0"),
        ("ollama", "0.9.12"),
    ],
)
def test_a_version_below_its_floor_is_refused_by_name(program: str, version: str) -> None:
    with pytest.raises(ToolError, match=f"{program} {version} .*pin {FLOORS[program]} or newer"):
        require_floor(program, version)


@pytest.mark.parametrize(
    ("program", "version"), [("openclaw", "2026.5.18"), ("openclaw", "2026.10.1"), ("ollama", "v0.17.1")]
)
def test_the_floor_itself_and_what_is_newer_are_taken(program: str, version: str) -> None:
    require_floor(program, version)


def test_what_is_no_version_is_refused() -> None:
    with pytest.raises(ToolError, match="'latest' is not a version"):
        require_floor("openclaw", "latest")
