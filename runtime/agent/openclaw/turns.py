"""Turns that were under way when OpenClaw ended.

OpenClaw takes them up again at its next start, by itself: the model would work and tools would act for a client who is
gone, without a receipt, and that user's next request would meet a busy session. An API's client asks again instead. No
setting of OpenClaw's turns this off, so the marks it goes by are taken away while it is down.
"""

import logging
import sqlite3
from contextlib import closing
from pathlib import Path

from runtime.http.log import event

_DATABASES = "agents/*/agent/openclaw-agent.sqlite"
_MARKS = (
    *("abortedLastRun", "activeWriterRunId", "lifecycleRunId", "mainRestartRecovery", "pendingFinalDelivery"),
    *("restartRecoveryDeliveryRunId", "restartRecoveryDeliverySourceRunId", "restartRecoveryRuns"),
)
_END = """
UPDATE session_nodes
   SET status = 'failed', entry_json = json_remove(json_set(entry_json, '$.status', 'failed'), {marks})
 WHERE entry_valid = 1 AND (status = 'running' OR json_extract(entry_json, '$.abortedLastRun') = 1)
RETURNING session_key
""".format(marks=", ".join(f"'$.{mark}'" for mark in _MARKS))
_KEEP_VALID = "UPDATE session_nodes SET entry_valid = 1 WHERE session_key = ?"
"""A trigger of OpenClaw's takes a row it sees changed for invalid, and with an invalid one it does not start: whoever
changes an entry says afterwards that it is valid, as OpenClaw does itself.
"""

_log = logging.getLogger("openclaw")


def end_interrupted(folder: Path) -> int:
    """Mark every unfinished turn in OpenClaw's folder as failed, while nothing runs there; how many there were.

    A database that cannot be read so is left to OpenClaw, which says more about it.
    """
    ended = 0
    for database in sorted(folder.glob(_DATABASES)):
        try:
            ended += _end_in(database)
        except sqlite3.Error as error:
            event(_log, logging.WARNING, "interrupted turns not ended", error=type(error).__name__)
    if ended:
        event(_log, logging.INFO, "interrupted turns ended", turns=ended)
    return ended


def _end_in(database: Path) -> int:
    with closing(sqlite3.connect(f"file:{database}?mode=rw", uri=True)) as connection, connection:
        ended = connection.execute(_END).fetchall()
        connection.executemany(_KEEP_VALID, ended)
        return len(ended)
