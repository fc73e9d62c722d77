"""Structured logs: one JSON object a line on standard output, without anything a client wrote."""

import json
import logging
import sys
import traceback
from datetime import UTC, datetime
from types import TracebackType
from typing import Any

_FIELDS = "fields"


def configure(program: str) -> None:
    """Send every log record of this process to standard output as JSON, marked with the program's name."""
    handler = logging.StreamHandler(sys.stdout)
    handler.setFormatter(JsonFormatter(program))
    logging.basicConfig(level=logging.INFO, handlers=[handler], force=True)


def event(log: logging.Logger, level: int, name: str, **fields: Any) -> None:
    """Log one event. `fields` must be plain values, and none of them a secret or a client's text."""
    log.log(level, name, extra={_FIELDS: fields})


class JsonFormatter(logging.Formatter):
    """Renders a record as one line of JSON.

    An exception is told by its type and the places it passed, never by its message: parsers like to quote what they
    could not read, and that may be a prompt or a token.
    """

    def __init__(self, program: str) -> None:
        super().__init__()
        self._program = program

    def format(self, record: logging.LogRecord) -> str:
        """The record's line."""
        line: dict[str, Any] = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "program": self._program,
            "logger": record.name,
            # The arguments of a library's message may hold anything; its text without them does not.
            "event": str(record.msg),
        }
        line.update(getattr(record, _FIELDS, {}))
        if record.exc_info and record.exc_info[0] is not None:
            line["error"] = record.exc_info[0].__name__
            line["places"] = _places(record.exc_info[2])
        return json.dumps(line, default=str)


def _places(trace: TracebackType | None) -> list[str]:
    return [f"{frame.filename}:{frame.lineno} {frame.name}" for frame in traceback.extract_tb(trace)]
