"""Deadlines that move on with every progress."""

import asyncio


def extend(deadline: asyncio.Timeout, seconds: float) -> None:
    """There was progress: the next step may take `seconds`."""
    if not deadline.expired():
        deadline.reschedule(asyncio.get_running_loop().time() + seconds)
