"""Turns that were cut: none is taken up again."""

import json
import sqlite3
from pathlib import Path
from typing import Any

import pytest

from runtime.agent.openclaw.turns import end_interrupted

RUNNING = {"sessionId": "s1", "status": "running", "lifecycleRunId": "r1", "restartRecoveryRuns": [{"runId": "r1"}]}
ABORTED = {"sessionId": "s2", "status": "done", "abortedLastRun": True}
DONE = {"sessionId": "s3", "status": "done", "lastRunId": "r3"}

SCHEMA = """
CREATE TABLE session_nodes (session_key TEXT PRIMARY KEY, entry_json TEXT, status TEXT, entry_valid INTEGER);
CREATE TRIGGER session_nodes_entry_valid_after_entry_update AFTER UPDATE OF entry_json ON session_nodes
BEGIN UPDATE session_nodes SET entry_valid = 0 WHERE session_key = NEW.session_key; END;
"""


@pytest.fixture
def database(tmp_path: Path) -> sqlite3.Connection:
    """As much of OpenClaw's database as matters here; its own test meets the real one."""
    path = tmp_path / "agents" / "main" / "agent" / "openclaw-agent.sqlite"
    path.parent.mkdir(parents=True)
    connection = sqlite3.connect(path)
    connection.executescript(SCHEMA)
    rows = [(entry["sessionId"], json.dumps(entry), entry["status"]) for entry in (RUNNING, ABORTED, DONE)]
    connection.executemany("INSERT INTO session_nodes VALUES (?, ?, ?, 1)", rows)
    connection.commit()
    return connection


def entries(database: sqlite3.Connection) -> dict[str, tuple[str, dict[str, Any]]]:
    rows = database.execute("SELECT session_key, status, entry_json FROM session_nodes")
    return {key: (status, json.loads(entry)) for key, status, entry in rows}


def test_what_was_running_has_failed_and_what_was_done_stays(database: sqlite3.Connection, tmp_path: Path) -> None:
    assert end_interrupted(tmp_path) == 2
    assert entries(database) == {
        "s1": ("failed", {"sessionId": "s1", "status": "failed"}),
        "s2": ("failed", {"sessionId": "s2", "status": "failed"}),
        "s3": ("done", DONE),
    }
    assert end_interrupted(tmp_path) == 0


def test_every_row_is_still_valid_without_which_openclaw_does_not_start(
    database: sqlite3.Connection, tmp_path: Path
) -> None:
    end_interrupted(tmp_path)
    assert {valid for (valid,) in database.execute("SELECT entry_valid FROM session_nodes")} == {1}


def test_where_nothing_ran_yet_there_is_nothing_to_end(tmp_path: Path) -> None:
    assert end_interrupted(tmp_path) == 0


@pytest.mark.parametrize("content", [b"", b"no database at all, but more than sixteen bytes of text"])
def test_a_database_of_another_kind_is_left_alone(
    tmp_path: Path, content: bytes, caplog: pytest.LogCaptureFixture
) -> None:
    path = tmp_path / "agents" / "main" / "agent" / "openclaw-agent.sqlite"
    path.parent.mkdir(parents=True)
    path.write_bytes(content)
    assert end_interrupted(tmp_path) == 0
    assert path.read_bytes() == content
    assert "interrupted turns not ended" in caplog.text
