"""Logs are JSON, and say nothing a client wrote."""

import json
import logging
from collections.abc import Callable
from typing import Any

from runtime.http.log import JsonFormatter, event


def formatted(record: logging.LogRecord) -> dict[str, Any]:
    line = JsonFormatter("gateway").format(record)
    assert "\n" not in line
    found: dict[str, Any] = json.loads(line)
    return found


class Collector(logging.Handler):
    """Keeps the records it is given."""

    def __init__(self) -> None:
        super().__init__()
        self.records: list[logging.LogRecord] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.records.append(record)


def last_record(act: Callable[[logging.Logger], None]) -> logging.LogRecord:
    log, collector = logging.Logger("test"), Collector()
    log.addHandler(collector)
    act(log)
    return collector.records[-1]


def test_an_event_keeps_its_fields() -> None:
    line = formatted(last_record(lambda log: event(log, logging.INFO, "listed", sandboxes=3)))
    assert (line["event"], line["sandboxes"], line["level"], line["program"]) == ("listed", 3, "info", "gateway")


def test_an_exception_is_told_without_its_message() -> None:
    def fail(log: logging.Logger) -> None:
        try:
            raise ValueError("could not read 'my secret prompt'")
        except ValueError:
            log.exception("failed on %s", "my secret prompt")

    line = formatted(last_record(fail))
    assert line["error"] == "ValueError"
    assert any("test_log.py" in place for place in line["places"])
    assert "secret" not in json.dumps(line)
