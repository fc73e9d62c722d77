"""The sample fleet's records, made once."""

from pathlib import Path

import pytest

from infra.stacks import worker
from infra.synth.fleet import Fleet, synth
from infra.synth.sample import write_fleet
from tests.infra.prove.fleet import Stacks

TENANTS, SEED = 3, 1


@pytest.fixture(scope="session")
def fleet(tmp_path_factory: pytest.TempPathFactory) -> Stacks:
    """Three customers in three regions."""
    folder: Path = tmp_path_factory.mktemp("fleet")
    script = folder / "index.js"
    script.write_text("export default {}")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(worker, "BUILT", script)
        return tuple(synth(Fleet(folder), write_fleet(folder, TENANTS, SEED)).values())
