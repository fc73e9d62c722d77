"""Whether the supervisor's own loop still turns."""

import time
from collections.abc import Callable

TICK_S = 1
"""Seconds between two ticks of the supervising loop."""
STUCK_S = 15
"""Seconds without a tick after which it counts as stuck: more than any step of it takes."""


class Heartbeat:
    """Beaten by the supervising loop, and read by the probe of life."""

    def __init__(self, limit_s: float = STUCK_S, clock: Callable[[], float] = time.monotonic) -> None:
        self._limit_s = limit_s
        self._clock = clock
        self._last = clock()

    def beat(self) -> None:
        """The loop has come round."""
        self._last = self._clock()

    @property
    def alive(self) -> bool:
        """Has it, within the limit?"""
        return self._clock() - self._last <= self._limit_s
