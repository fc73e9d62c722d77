"""The dev stack, recorded once."""

from pathlib import Path

import pytest

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
