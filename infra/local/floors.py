"""Versions with known holes: what is older is neither installed nor built into an image."""

from infra.local.go_build import ToolError

FLOORS = {"ollama": "0.17.1", "openclaw": "2026.5.18"}
"""The oldest version allowed of each program an agent runs."""


def require_floor(program: str, version: str) -> None:
    """ToolError when `version` is below the program's floor; a pre-release is below its release."""
    floor = FLOORS[program]
    if _parts(version) < _parts(floor):
        raise ToolError(f"{program} {version} has known holes: pin {floor} or newer")


def _parts(version: str) -> tuple[tuple[int, ...], bool]:
    """The version in an order Python knows: its numbers, then whether it is a release."""
    numbers, _, pre_release = version.removeprefix("v").partition("-")
    try:
        return tuple(int(number) for number in numbers.split(".")), not pre_release
    except ValueError:
        raise ToolError(f"{version!r} is not a version: expected numbers with dots between them") from None
