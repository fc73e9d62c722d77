"""What a database can be: its windows, its sizes, its versions."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from components.database.spec import DatabaseSpec, daily_minutes, weekly_minutes, windows_meet
from tests.components.specs import DATABASE

DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
DAY, WEEK = 24 * 60, 7 * 24 * 60


def clock(minutes: int) -> str:
    return f"{minutes % DAY // 60:02}:{minutes % 60:02}"


def daily(begin: int, length: int) -> str:
    return f"{clock(begin)}-{clock(begin + length)}"


def weekly(begin: int, length: int) -> str:
    end = (begin + length) % WEEK
    return f"{DAYS[begin // DAY]}:{clock(begin)}-{DAYS[end // DAY]}:{clock(end)}"


LENGTHS = st.integers(30, 600)


@given(st.integers(0, DAY - 1), LENGTHS)
def test_a_daily_window_is_read_back(begin: int, length: int) -> None:
    assert daily_minutes(daily(begin, length)) == (begin, length)


@given(st.integers(0, WEEK - 1), LENGTHS)
def test_a_weekly_window_is_read_back(begin: int, length: int) -> None:
    assert weekly_minutes(weekly(begin, length)) == (begin, length)


@given(st.integers(0, DAY - 1), LENGTHS, st.integers(0, WEEK - 1), LENGTHS)
def test_windows_meet_exactly_when_they_share_a_minute(begin: int, length: int, start: int, lasting: int) -> None:
    backups = {(day * DAY + begin + minute) % WEEK for day in range(7) for minute in range(length)}
    upkeep = {(start + minute) % WEEK for minute in range(lasting)}
    assert windows_meet(daily(begin, length), weekly(start, lasting)) == bool(backups & upkeep)


@pytest.mark.parametrize("window", ["", "18:00", "18:00-18:29", "24:00-24:30", "6:00-7:00", "18:00-19:00 "])
def test_what_is_no_daily_window_is_refused(window: str) -> None:
    with pytest.raises(ValidationError, match="backup_window"):
        DatabaseSpec.model_validate({**dict(DATABASE), "backup_window": window})


@pytest.mark.parametrize(
    "window",
    ["", "18:00-19:00", "sun:20:00-sun:20:29", "Sun:20:00-Sun:21:00", "sun:20:00-mon:20:00", "sun:20:00-sun:19:00"],
)
def test_what_is_no_weekly_window_is_refused(window: str) -> None:
    with pytest.raises(ValidationError, match="maintenance_window"):
        DatabaseSpec.model_validate({**dict(DATABASE), "maintenance_window": window})


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"backup_window": "20:30-21:00"}, "must not share a minute"),
        ({"storage_gib": 100, "max_storage_gib": 109}, "a tenth above"),
        ({"backup_retention_days": 6}, "backup_retention_days"),
        ({"engine_version": "9.6"}, "engine_version"),
        ({"engine_version": "latest"}, "engine_version"),
        ({"account_id": "12345"}, "account_id"),
        ({"username": "Admin"}, "username"),
    ],
)
def test_what_rds_would_refuse_is_refused_at_once(changes: dict[str, object], said: str) -> None:
    with pytest.raises(ValidationError, match=said):
        DatabaseSpec.model_validate({**dict(DATABASE), **changes})


def test_a_pinned_minor_version_is_not_upgraded_behind_the_stacks_back() -> None:
    assert DATABASE.takes_minor_versions
    pinned = DATABASE.model_copy(update={"engine_version": "17.6"})
    assert not pinned.takes_minor_versions
    assert pinned.major_version == "17"
