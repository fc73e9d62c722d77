"""The committed fleet in a folder of the test's own, its Worker built."""

import subprocess
from pathlib import Path

import pytest

from infra.stacks.worker import BUILT
from infra.synth.fleet import Fleet
from tests.infra.fleets import copy_fleet
from tests.stack_files import PROJECT


@pytest.fixture(scope="session", autouse=True)
def worker() -> None:
    """What the global stack's Worker is made from, as `make up` and the workflow build it."""
    if not BUILT.exists():
        subprocess.run(["npm", "run", "--silent", "build"], cwd=PROJECT / "workers" / "edge", check=True)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """The committed fleet's files, freely changeable."""
    return copy_fleet(tmp_path)


@pytest.fixture(scope="session")
def committed() -> Fleet:
    """The committed fleet; what is recorded of it is recorded once."""
    return Fleet(PROJECT)
