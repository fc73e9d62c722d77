"""The sample fleet's records, made once."""

import pytest

from tests.infra.prove.fleet import Stacks, sample


@pytest.fixture(scope="session")
def fleet(tmp_path_factory: pytest.TempPathFactory) -> Stacks:
    """Three customers in three regions."""
    return sample(tmp_path_factory.mktemp("fleet"))
