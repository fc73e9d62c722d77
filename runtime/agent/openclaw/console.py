"""Which lines of OpenClaw's output may be logged.

It writes answers on its output at any level, and a failing tool's arguments and a model's error into its warnings. So a
line is kept only if its source is known to write of OpenClaw itself alone; and plain text, which it writes while it
cannot even read its configuration, only before it has seen a request.
"""

import json

_LEVELS = frozenset({"warn", "error", "fatal"})
_SOURCES = ("gateway", "health-monitor", "plugins", "secrets", "session-sqlite", "shutdown", "sqlite", "state")
"""Subsystems, each with those below it (`gateway/…`)."""


class Console:
    """Judges lines; `serving` is set once a request may have come in, and stays set for this life of OpenClaw."""

    def __init__(self) -> None:
        self.serving = False

    def is_noise(self, line: str) -> bool:
        """Whether a line must not be logged, or is not worth it."""
        try:
            record = json.loads(line)
        except (ValueError, RecursionError):
            return self.serving or not _says_something(line)
        return not isinstance(record, dict) or not _is_own(record)


def _is_own(record: dict[str, object]) -> bool:
    source = record.get("subsystem")
    return record.get("level") in _LEVELS and isinstance(source, str) and source.partition("/")[0] in _SOURCES


def _says_something(line: str) -> bool:
    return any(character.isalnum() for character in line)
