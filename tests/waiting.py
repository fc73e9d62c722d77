"""Waiting for what happens in another process, which tells nobody."""

import asyncio
import time
from collections.abc import Callable
from typing import TypeVar

T = TypeVar("T")


def eventually(probe: Callable[[], T | None], what: str, seconds: float = 30, every: float = 0.05) -> T:
    """Ask until the answer counts as true, and give it back; not within `seconds` is a failure that says `what`."""
    end = time.monotonic() + seconds
    while not (found := probe()):
        assert time.monotonic() < end, f"not within {seconds} s: {what}"
        time.sleep(every)
    return found


async def until(probe: Callable[[], T | None], what: str, seconds: float = 60, every: float = 0.01) -> T:
    """The same while the event loop goes on."""
    end = time.monotonic() + seconds
    while not (found := probe()):
        assert time.monotonic() < end, f"not within {seconds} s: {what}"
        await asyncio.sleep(every)
    return found
