"""Run a system tool to its end, with errors that say what it said."""

import subprocess
from collections.abc import Sequence


class MachineError(Exception):
    """The machine could not be brought into the wanted form; the message says why and what to do."""


def run(argv: Sequence[str], *, stdin: str | None = None, timeout: float = 120) -> str:
    """Standard output of a command. Raises MachineError with its standard error when it fails or is missing."""
    try:
        done = subprocess.run(argv, input=stdin, capture_output=True, text=True, check=False, timeout=timeout)
    except FileNotFoundError as missing:
        raise MachineError(f"{argv[0]} is not installed; run `moltghost doctor` to see what is missing") from missing
    except subprocess.TimeoutExpired as late:
        raise MachineError(f"{' '.join(argv)} did not end within {timeout:.0f} s") from late
    if done.returncode:
        raise MachineError(f"{' '.join(argv)} failed ({done.returncode}): {(done.stderr or done.stdout).strip()}")
    return done.stdout
