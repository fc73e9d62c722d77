"""The Worker's script, as built."""

from pathlib import Path

import pulumi

BUILT = Path(__file__).resolve().parents[2] / "workers" / "edge" / "dist" / "index.js"
"""Where `npm run build` leaves it."""


def read_worker(file: str | None = None) -> str:
    """The script's text. Raises pulumi.RunError if it is not there."""
    path = Path(file) if file else BUILT
    try:
        return path.read_text()
    except OSError as error:
        reason = f"the Worker cannot be read ({error.strerror}); build it with `npm run build` in workers/edge"
        raise pulumi.RunError(f"{path}: {reason}") from None
