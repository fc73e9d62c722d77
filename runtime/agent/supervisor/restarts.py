"""When a child that failed is started again, and when it is given up: arithmetic alone."""

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class Patience:
    """`failures` in a row end the agent; `stable_s` seconds of good service make a failure the first one again."""

    failures: int = 3
    stable_s: float = 300
    first_wait_s: float = 1


@dataclass(frozen=True)
class History:
    """How often a child has failed in a row."""

    failures: int = 0


@dataclass(frozen=True)
class Verdict:
    """What becomes of a child that failed: started again after `wait_s` seconds, or given up where that is None."""

    history: History
    wait_s: float | None


def after_failure(history: History, served_s: float, patience: Patience) -> Verdict:
    """Judge one more failure, `served_s` seconds after the child was last proven (0 if it never was)."""
    failures = 1 if served_s >= patience.stable_s else history.failures + 1
    wait_s = None if failures >= patience.failures else patience.first_wait_s * 2 ** (failures - 1)
    return Verdict(History(failures), wait_s)
