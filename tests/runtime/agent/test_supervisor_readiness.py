"""Being ready is the sum of its parts, each proven; being alive is the supervisor's own loop."""

import asyncio
import os
import threading
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from runtime.agent.failures import ServerError
from runtime.agent.supervisor.heartbeat import Heartbeat
from runtime.agent.supervisor.readiness import FULL, Part, Readiness, Usage, has_room, is_true, volume_usage

VOLUME = Path("/data")


def volume(
    blocks: int = 100, free: int = 100, available: int = 100, files: int = 100, spare: int = 100
) -> os.statvfs_result:
    """What the kernel says of a volume; of what is free, an unprivileged user gets what is available."""
    return os.statvfs_result((4096, 4096, blocks, free, available, files, spare, spare, 0, 255))


async def yes() -> bool:
    return True


async def nothing_wrong() -> None:
    pass


async def no() -> bool:
    return False


async def broken() -> None:
    raise ServerError("PROMPT")


async def buggy() -> None:
    raise KeyError("PROMPT")


async def hung() -> None:
    await asyncio.Event().wait()


async def test_all_parts_hold_or_each_that_fails_is_named_in_order() -> None:
    checks = {"a": yes, "b": broken, "c": nothing_wrong, "d": no, "e": hung, "f": buggy}
    parts = [Part(name=name, check=check, limit_s=0.05) for name, check in checks.items()]
    assert await Readiness(parts).failing() == ["b", "d", "e", "f"]
    assert await Readiness([parts[0], parts[2]]).failing() == []


async def test_parts_are_asked_at_once_and_every_time_anew() -> None:
    met = asyncio.Barrier(3)
    holds = True

    async def meet() -> bool:
        await met.wait()
        return holds

    readiness = Readiness([Part(name=str(number), check=meet, limit_s=5) for number in range(3)])
    assert await readiness.failing() == []
    holds = False
    assert await readiness.failing() == ["0", "1", "2"]


async def test_a_change_is_logged_once_and_never_a_message(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("INFO")
    readiness = Readiness([Part(name="a", check=broken)])
    for _ in range(3):
        await readiness.failing()
    changes = [record for record in caplog.records if record.msg in ("ready", "not ready")]
    assert len(changes) == 1
    assert "PROMPT" not in repr([vars(record) for record in caplog.records])


@pytest.mark.parametrize(
    ("found", "room"),
    [
        (volume(available=6, free=6), True),
        (volume(available=5, free=5), False),
        (volume(available=5, free=10), True),  # of 95 it may have, 90 are used
        (volume(spare=6), True),
        (volume(spare=5), False),
        (volume(files=0, spare=0), True),  # it counts no inodes
        (volume(available=0, free=0), False),
        (volume(blocks=0, free=0, available=0), True),
    ],
)
async def test_a_volume_of_which_little_is_left_is_not_ready(found: os.statvfs_result, room: bool) -> None:
    assert await has_room(VOLUME, lambda _: found)() is room


async def test_a_volume_that_fails_or_hangs_is_not_ready() -> None:
    release = threading.Event()

    def gone(_: Path) -> os.statvfs_result:
        raise OSError(5, "Input/output error")

    def hang(_: Path) -> os.statvfs_result:
        release.wait(10)
        return volume()

    checks = (has_room(VOLUME, gone), has_room(VOLUME, hang))
    failing = await Readiness([Part(name="volume", check=check, limit_s=0.1) for check in checks]).failing()
    release.set()
    assert failing == ["volume", "volume"]


def test_a_real_volume_is_told_as_df_tells_it(tmp_path: Path) -> None:
    usage, found = volume_usage(tmp_path), os.statvfs(tmp_path)
    used = found.f_blocks - found.f_bfree
    assert usage.bytes == pytest.approx(used / (used + found.f_bavail), abs=0.01)


@given(st.integers(0, 2**40), st.integers(0, 2**40), st.integers(0, 2**40))
def test_usage_is_a_share(blocks: int, free: int, available: int) -> None:
    free = min(free, blocks)
    usage = volume_usage(VOLUME, lambda _: volume(blocks=blocks, free=free, available=min(available, free)))
    assert 0 <= usage.bytes <= 1
    assert usage.inodes == Usage(0, 0).inodes


def test_full_is_what_the_operator_was_told() -> None:
    assert FULL == 0.95


async def test_what_is_known_at_once_is_a_check_too() -> None:
    assert [await is_true(lambda: True)(), await is_true(lambda: False)()] == [True, False]


def test_a_heart_that_stops_beating_shows_and_may_beat_again() -> None:
    clock = iter([0.0, 10.0, 10.1, 10.1, 10.2])  # made, asked, asked, beaten, asked
    heart = Heartbeat(limit_s=10, clock=lambda: next(clock))
    asked = [heart.alive, heart.alive]
    heart.beat()
    assert [*asked, heart.alive] == [True, False, True]
