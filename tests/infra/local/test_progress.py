"""What is shown of a step: that it began, its details, how it ended and how long it took."""

import io
import re

import pytest
from rich.console import Console

from infra.local.progress import Steps


@pytest.fixture
def console() -> Console:
    return Console(file=io.StringIO(), width=80, highlight=False)


def shown(console: Console) -> str:
    assert isinstance(console.file, io.StringIO)
    return console.file.getvalue()


def test_a_step_shows_its_details_and_its_time(console: Console) -> None:
    with Steps(console).step("Images") as step:
        step("building image [runtime]")
    assert re.fullmatch(r"→ Images\n    building image \[runtime\]\n✓ Images \(\d+\.\d s\)\n", shown(console))


def test_a_step_that_fails_says_so_and_lets_the_error_through(console: Console) -> None:
    with pytest.raises(RuntimeError, match="disk full"), Steps(console).step("Images"):
        raise RuntimeError("disk full")
    assert re.search(r"✗ Images \(\d+\.\d s\)", shown(console))


def test_an_interrupted_step_is_not_a_finished_one(console: Console) -> None:
    with pytest.raises(KeyboardInterrupt), Steps(console).step("Tools"):
        raise KeyboardInterrupt
    assert "✓" not in shown(console)
