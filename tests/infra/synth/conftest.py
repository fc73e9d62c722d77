"""The committed fleet in a folder of the test's own, its Worker built."""

import subprocess
from pathlib import Path

import pytest

from infra.stacks.worker import BUILT
from infra.synth.fleet import Fleet
from tests.infra.departures import Config
from tests.infra.fleets import change_stack, copy_fleet
from tests.stack_files import PROJECT


@pytest.fixture(scope="session", autouse=True)
def worker() -> None:
    """What the global stack's Worker is made from, as `make up` and the workflow build it."""
    if not BUILT.exists():
        subprocess.run(["npm", "run", "--silent", "build"], cwd=PROJECT / "workers" / "edge", check=True)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """The committed fleet's files, freely changeable; its customer is in one region, which keeps records quick."""
    copy_fleet(tmp_path)
    change_stack(tmp_path, "acme", _at_home)
    return tmp_path


def _at_home(config: Config) -> None:
    config["moltghost:placement"] = {"home": "use1", "residency": ["use1"]}
    del config["moltghost:region_stacks"]["usw2"]


@pytest.fixture(scope="session")
def committed() -> Fleet:
    """The committed fleet; what is recorded of it is recorded once."""
    return Fleet(PROJECT)
