"""The dev stack and the committed fleet, recorded once."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from infra.stacks import worker
from tests.program.fleet import REGIONS, committed, run
from tests.program.recording import Recording, record
from tests.stack_files import AGENT_SECRETS, PEPPER, SIGNING_KEY, dev_config, engine_config, machine

SECRETS = {
    "moltghost:keyPepper": PEPPER,
    "moltghost:edgeSigningKey": SIGNING_KEY,
    "moltghost:agentSecrets": AGENT_SECRETS,
}


@pytest.fixture(scope="session")
def recording(tmp_path_factory: pytest.TempPathFactory) -> Recording:
    """What the program declares for the committed dev stack."""
    folder: Path = tmp_path_factory.mktemp("machine")
    return record(engine_config({**dev_config(), "moltghost:machine": machine(folder)}), SECRETS)


@pytest.fixture(scope="session")
def worker_script(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """A Worker, so that none has to be built."""
    script = tmp_path_factory.mktemp("worker") / "index.js"
    script.write_text("export default {}")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(worker, "BUILT", script)
        yield


@pytest.fixture(scope="session")
def whole(worker_script: None) -> dict[str, Recording]:
    """The fleet's stacks in the order they go up; read them only."""
    made = {"global": run(committed("global"), {})}
    for region in REGIONS:
        made[region] = run(committed(region), {"global": made["global"]})
    made["acme"] = run(committed("acme"), made)
    return made
