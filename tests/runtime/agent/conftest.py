"""What several of the agent's tests start: the real OpenClaw."""

from pathlib import Path

import pytest

from infra.local.cache import cache_root
from infra.local.openclaw import ensure_openclaw


@pytest.fixture(scope="session")
def openclaw() -> Path:
    """The folder whose `node_modules` holds OpenClaw."""
    return ensure_openclaw(cache_root(), print)
