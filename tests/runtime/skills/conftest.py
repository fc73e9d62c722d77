"""What tests of skills share."""

from pathlib import Path

import pytest

from infra.local.cache import cache_root
from infra.local.openclaw import ensure_openclaw


@pytest.fixture(scope="session")
def packages() -> Path:
    """The `node_modules` that holds OpenClaw."""
    return ensure_openclaw(cache_root(), print) / "node_modules"
