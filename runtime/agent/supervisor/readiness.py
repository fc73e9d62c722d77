"""What being ready consists of, each part proven when it is asked for."""

import asyncio
import logging
import os
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from runtime.http.log import event

PART_S = 3
"""Seconds a part gets to prove itself, unless it says otherwise."""
FULL = 0.95
"""A volume this full is not ready."""

_log = logging.getLogger("readiness")


@dataclass(frozen=True, kw_only=True)
class Part:
    """One condition of being ready, named in the answer of the probe.

    It fails when `check` says False, raises, or takes more than `limit_s` seconds.
    """

    name: str
    check: Callable[[], Awaitable[bool | None]]
    limit_s: float = PART_S


class Readiness:
    """Asks all parts at once; a change is logged."""

    def __init__(self, parts: Sequence[Part]) -> None:
        self._parts = parts
        self._last: list[str] | None = None

    async def failing(self) -> list[str]:
        """The names of the parts that fail now, in their order; none when ready."""
        held = await asyncio.gather(*(_holds(part) for part in self._parts))
        failing = [part.name for part, holds in zip(self._parts, held, strict=True) if not holds]
        if failing != self._last:
            event(_log, logging.INFO, "not ready" if failing else "ready", failing=failing)
            self._last = failing
        return failing


async def _holds(part: Part) -> bool:
    try:
        async with asyncio.timeout(part.limit_s):
            return await part.check() is not False
    except Exception as error:
        # A part must never break the probe that tells about it; its message may quote anything.
        event(_log, logging.WARNING, "a part of readiness fails", part=part.name, error=type(error).__name__)
        return False


def is_true(holds: Callable[[], bool]) -> Callable[[], Awaitable[bool]]:
    """A check of what is known at once."""

    async def check() -> bool:
        return holds()

    return check


@dataclass(frozen=True)
class Usage:
    """How full a volume is, of 1: of its bytes, and of the files it can hold."""

    bytes: float
    inodes: float


Statvfs = Callable[[Path], os.statvfs_result]


def volume_usage(volume: Path, statvfs: Statvfs = os.statvfs) -> Usage:
    """As `df` tells it: of what an unprivileged user can have. Raises OSError."""
    found = statvfs(volume)
    return Usage(
        bytes=_used(found.f_blocks - found.f_bfree, found.f_bavail),
        inodes=_used(found.f_files - found.f_ffree, found.f_favail),
    )


def _used(used: int, available: int) -> float:
    # Some file systems count no inodes at all.
    return used / (used + available) if used + available > 0 else 0.0


def has_room(volume: Path, statvfs: Statvfs = os.statvfs) -> Callable[[], Awaitable[bool]]:
    """A check that the volume is less than `FULL`; it runs beside the loop, since a volume may hang."""

    async def check() -> bool:
        usage = await asyncio.to_thread(volume_usage, volume, statvfs)
        return max(usage.bytes, usage.inodes) < FULL

    return check
