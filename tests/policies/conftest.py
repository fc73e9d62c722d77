"""The project's own stacks, recorded once."""

import subprocess
from collections.abc import Mapping

import pytest

from infra.stacks.worker import BUILT
from infra.synth.fleet import Fleet
from policies.record import Stack
from tests.program.conftest import recording as recording  # the dev stack's fixture
from tests.stack_files import PROJECT

COMMITTED = ("global", "use1", "usw2", "sin", "jkt", "acme")


@pytest.fixture(scope="session")
def worker() -> None:
    """What the global stack's Worker is made from."""
    if not BUILT.exists():
        subprocess.run(["npm", "run", "--silent", "build"], cwd=PROJECT / "workers" / "edge", check=True)


@pytest.fixture(scope="session")
def own_stacks(worker: None) -> Mapping[str, Stack]:
    """The committed stacks of the fleet."""
    fleet = Fleet(PROJECT)
    return {name: fleet.stack(name) for name in COMMITTED}
