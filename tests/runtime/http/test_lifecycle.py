"""An orderly end: running requests are waited for, but not for ever; broken work is noticed."""

import asyncio

import pytest

from runtime.http.lifecycle import Lifecycle


async def test_idle_once_the_last_request_is_done() -> None:
    lifecycle = Lifecycle()
    assert await lifecycle.idle(0)
    with lifecycle:
        with lifecycle:
            assert not await lifecycle.idle(0.01)
        assert not await lifecycle.idle(0.01)
        waiting = asyncio.create_task(lifecycle.idle(5))
    assert await waiting


async def test_work_that_breaks_ends_the_wait() -> None:
    async def work() -> None:
        raise ValueError("broken")

    with pytest.raises(ValueError, match="broken"):
        await Lifecycle().run_until_stopped(asyncio.create_task(work()))


async def test_being_asked_to_stop_ends_the_wait() -> None:
    lifecycle = Lifecycle()
    work = asyncio.create_task(asyncio.Event().wait())
    waiting = asyncio.create_task(lifecycle.run_until_stopped(work))  # type: ignore[arg-type]  # never done
    lifecycle.stopping.set()
    await waiting
    work.cancel()
