"""What several of the agent's tests start: the real OpenClaw."""

from pathlib import Path

import pytest

from infra.local.cache import cache_root
from infra.local.openclaw import ensure_pruned


@pytest.fixture(scope="session")
def openclaw() -> Path:
    """The folder whose `node_modules` holds OpenClaw, without what the image leaves out."""
    return ensure_pruned(cache_root(), print)
