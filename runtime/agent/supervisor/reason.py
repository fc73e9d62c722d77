"""How the agent's program ends: its exit status, and the reason where Kubernetes looks for it."""

import contextlib
import logging
import traceback
from collections.abc import Callable
from pathlib import Path

from runtime.agent.failures import AgentError
from runtime.http.environment import SettingsError
from runtime.http.log import event

TERMINATION_LOG = Path("/dev/termination-log")
"""Where a container leaves the reason of its end for Kubernetes to show."""
_REASON_BYTES = 4096
"""What Kubernetes reads of it."""

_log = logging.getLogger("agent")


def exit_status(serve: Callable[[], None], termination_log: Path = TERMINATION_LOG) -> int:
    """Serve, and say how that went: 0 when told to stop, 1 when the agent cannot do its work, with the reason left.

    Of a failure nobody foresaw the reason tells the type and the place: its message may quote anything.
    """
    try:
        serve()
    except (AgentError, SettingsError) as error:
        event(_log, logging.CRITICAL, "gave up", reason=str(error))
        leave_reason(str(error), termination_log)
        return 1
    except Exception as error:
        _log.critical("unexpected", exc_info=True)
        place = traceback.extract_tb(error.__traceback__)[-1]
        leave_reason(f"unexpected {type(error).__name__} at {place.filename}:{place.lineno}", termination_log)
        return 1
    return 0


def leave_reason(reason: str, where: Path) -> None:
    """Say why this ends where Kubernetes looks for it; outside a container there is no such place."""
    with contextlib.suppress(OSError):
        if where.exists():
            where.write_bytes(reason.encode()[:_REASON_BYTES].decode(errors="ignore").encode())
