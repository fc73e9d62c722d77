"""A region's PostgreSQL: how large it is, how long it can be turned back, and when it may be touched."""

import re
from typing import Annotated

from pydantic import AfterValidator, Field, model_validator

from components.labels import Region
from components.values import Label, Values

PORT = 5432
"""PostgreSQL's own."""

_DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
_DAY_MINUTES = 24 * 60
_WEEK_MINUTES = len(_DAYS) * _DAY_MINUTES
_SHORTEST_WINDOW_MINUTES = 30
_CLOCK = r"(?:[01]\d|2[0-3]):[0-5]\d"
_DAILY = re.compile(rf"({_CLOCK})-({_CLOCK})")
_WEEKLY = re.compile(rf"({'|'.join(_DAYS)}):({_CLOCK})-({'|'.join(_DAYS)}):({_CLOCK})")


def daily_minutes(window: str) -> tuple[int, int]:
    """When a window such as `18:00-19:00` begins (minutes after midnight) and how long it is, over midnight too.

    Raises ValueError if it is no such window, or shorter than the 30 minutes RDS wants.
    https://docs.aws.amazon.com/AmazonRDS/latest/UserGuide/USER_WorkingWithAutomatedBackups.html
    """
    found = _DAILY.fullmatch(window)
    if found is None:
        raise ValueError("must be a daily window in UTC, as 18:00-19:00")
    begin, end = map(_minutes, found.groups())
    return begin, _long_enough((end - begin) % _DAY_MINUTES)


def weekly_minutes(window: str) -> tuple[int, int]:
    """When a window such as `sun:20:00-sun:21:00` begins (minutes after Monday's midnight) and how long it is.

    Raises ValueError if it is no such window, or shorter than 30 minutes.
    https://docs.aws.amazon.com/AmazonRDS/latest/UserGuide/USER_UpgradeDBInstance.Maintenance.html
    """
    found = _WEEKLY.fullmatch(window)
    if found is None:
        raise ValueError("must be a weekly window in UTC, as sun:20:00-sun:21:00")
    first, begins, last, ends = found.groups()
    begin = _DAYS.index(first) * _DAY_MINUTES + _minutes(begins)
    end = _DAYS.index(last) * _DAY_MINUTES + _minutes(ends)
    length = _long_enough((end - begin) % _WEEK_MINUTES)
    if length >= _DAY_MINUTES:
        raise ValueError("must be shorter than a day")
    return begin, length


def windows_meet(daily: str, weekly: str) -> bool:
    """Whether a backup window and a maintenance window share a minute; RDS refuses two that do."""
    begin, length = daily_minutes(daily)
    start, lasting = weekly_minutes(weekly)
    after = (start - begin) % _DAY_MINUTES
    return after < length or after + lasting > _DAY_MINUTES


def _minutes(clock: str) -> int:
    hours, minutes = clock.split(":")
    return int(hours) * 60 + int(minutes)


def _long_enough(minutes: int) -> int:
    if minutes < _SHORTEST_WINDOW_MINUTES:
        raise ValueError(f"must be {_SHORTEST_WINDOW_MINUTES} minutes long at least")
    return minutes


def _daily(window: str) -> str:
    daily_minutes(window)
    return window


def _weekly(window: str) -> str:
    weekly_minutes(window)
    return window


class DatabaseSpec(Values):
    """One region's database: PostgreSQL on RDS, in two zones.

    `engine_version` pins the major version (`17`: RDS takes minor ones in the maintenance window by itself) or the
    minor one too (`17.6`: it changes with this text alone, and then in that window). `storage_gib` grows by itself up
    to `max_storage_gib`; it never shrinks. `backup_retention_days` are the days it can be turned back to any second of.
    Windows are UTC. `delete_with_stack` lets a destroy take the data along: no protection, no last snapshot.
    """

    region: Region
    aws_region: str
    account_id: str = Field(pattern=r"^\d{12}$")
    identifier: Label
    database: str = Field(default="moltghost", pattern=r"^[a-z][a-z0-9_]{0,62}$")
    username: str = Field(default="moltghost", pattern=r"^[a-z][a-z0-9_]{0,15}$")
    engine_version: str = Field(default="17", pattern=r"^1[4-9](\.\d{1,2})?$")
    instance_class: str = Field(default="db.m7g.large", pattern=r"^db\.[a-z0-9]+\.[a-z0-9]+$")
    storage_gib: int = Field(default=100, ge=20, le=65536)
    max_storage_gib: int = Field(default=1000, ge=20, le=65536)
    backup_retention_days: int = Field(default=14, ge=7, le=35)
    backup_window: Annotated[str, AfterValidator(_daily)] = "18:00-19:00"
    maintenance_window: Annotated[str, AfterValidator(_weekly)] = "sun:20:00-sun:21:00"
    log_retention_days: int = Field(default=30, ge=1)
    key_deletion_window_days: int = Field(default=30, ge=7, le=30)
    delete_with_stack: bool = False

    @model_validator(mode="after")
    def _agrees(self) -> "DatabaseSpec":
        # RDS wants the ceiling 10 % above what is allocated:
        # https://docs.aws.amazon.com/AmazonRDS/latest/UserGuide/USER_PIOPS.Autoscaling.html
        if self.max_storage_gib * 10 < self.storage_gib * 11:
            raise ValueError("max_storage_gib must be at least a tenth above storage_gib")
        if windows_meet(self.backup_window, self.maintenance_window):
            raise ValueError("backup_window and maintenance_window must not share a minute")
        return self

    @property
    def major_version(self) -> str:
        """The major version, which a parameter group is made for."""
        return self.engine_version.partition(".")[0]

    @property
    def takes_minor_versions(self) -> bool:
        """Whether RDS upgrades minor versions by itself; it would undo a pinned one."""
        return "." not in self.engine_version
