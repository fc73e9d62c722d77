"""How programs that the supervisor runs come to their end."""

import asyncio
import signal
from collections.abc import Iterator
from contextlib import contextmanager, suppress


@contextmanager
def until_terminated() -> Iterator[None]:
    """SIGTERM ends the block, wherever it waits, as if its work were done."""
    work = asyncio.current_task()
    assert work  # noqa: S101  # we are in it
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, work.cancel)
    with suppress(asyncio.CancelledError):
        yield
