"""Options every test can ask for."""

import pytest
from hypothesis import settings

# These machines run several things at once: how long one example takes says nothing.
settings.register_profile("shared", deadline=None)
settings.load_profile("shared")


def pytest_addoption(parser: pytest.Parser) -> None:
    """`--update-golden` writes what is rendered now over the golden files; review the diff before it is committed."""
    parser.addoption(
        "--update-golden", action="store_true", help="overwrite the golden files with what is rendered now"
    )


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Keep each file's tests together where several run at once (`--dist loadgroup`): what they share is made once."""
    for item in items:
        if item.get_closest_marker("xdist_group") is None:
            item.add_marker(pytest.mark.xdist_group(str(item.path)))


@pytest.fixture
def update_golden(request: pytest.FixtureRequest) -> bool:
    """Whether golden files are to be written rather than compared."""
    return bool(request.config.getoption("--update-golden"))
