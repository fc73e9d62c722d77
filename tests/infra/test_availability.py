"""Availability as arithmetic: known values, what must always hold, and the page that tells it."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from components.edge.origin_spec import build_monitor
from infra.plan import availability
from infra.plan.availability import (
    MONTH_S,
    PATHS,
    TARGET,
    Part,
    failing_over,
    gateways,
    interrupted,
    parallel,
    render_tables,
    serial,
)
from tests.components.specs import ORIGIN

PAGE = Path(__file__).resolve().parents[2] / "docs" / "availability.md"
SHARES = st.floats(0, 1)
SOME = st.lists(SHARES, min_size=1, max_size=6)
SLACK = 1e-9


def test_four_nines_are_four_minutes_and_a_third_in_thirty_days() -> None:
    assert pytest.approx(4.32) == (1 - TARGET) * MONTH_S / 60


def test_known_values() -> None:
    assert serial([0.99, 0.99]) == pytest.approx(0.9801)
    assert parallel([0.99, 0.99]) == pytest.approx(0.9999)
    assert parallel([]) == 0
    assert serial([]) == 1
    assert gateways(3) == pytest.approx(1 - 0.005**3)
    assert interrupted(2, 57) == pytest.approx(1 - 114 / 2_592_000)
    assert failing_over(0.99, 0.99, 1, 259.2) == pytest.approx(0.9999 - 0.0001 * 0.99)


@given(SOME)
def test_a_row_is_never_better_than_its_weakest_part(parts: list[float]) -> None:
    assert serial(parts) <= min(parts) + SLACK


@given(SOME)
def test_replicas_are_never_worse_than_the_best_of_them(parts: list[float]) -> None:
    assert parallel(parts) >= max(parts) - SLACK


@given(SOME, SHARES)
def test_one_replica_more_never_lowers_it(parts: list[float], more: float) -> None:
    assert parallel([*parts, more]) >= parallel(parts) - SLACK


@given(SHARES, SHARES, st.floats(0, 100), st.floats(0, 10_000))
def test_a_failover_is_never_worse_than_none_nor_better_than_an_instant_one(
    first: float, second: float, failures: float, gap_s: float
) -> None:
    found = failing_over(first, second, failures, gap_s)
    assert first - SLACK <= found <= parallel([first, second]) + SLACK


@given(st.floats(0, 1e6), st.floats(0, 1e6))
def test_interruptions_leave_a_share(times: float, seconds: float) -> None:
    assert 0 <= interrupted(times, seconds) <= 1


@pytest.mark.parametrize("share", [-0.1, 1.1, float("nan")])
def test_what_is_no_share_is_refused(share: float) -> None:
    with pytest.raises(ValueError, match="between 0 and 1"):
        Part("x", share, "assumed", "nowhere")


@pytest.mark.parametrize(("times", "seconds"), [(-1, 1), (1, -1)])
def test_negative_interruptions_are_refused(times: float, seconds: float) -> None:
    with pytest.raises(ValueError, match="negative"):
        interrupted(times, seconds)


def test_the_gap_is_the_one_the_monitor_and_the_table_really_have() -> None:
    monitor = build_monitor(ORIGIN)
    assert monitor["interval"] == availability.MONITOR_INTERVAL_S
    assert monitor["consecutive_down"] == availability.MONITOR_TRIES


def test_which_paths_reach_the_target() -> None:
    assert [path.reaches_target for path in PATHS] == [False, False, True, False, False]


def test_the_page_says_what_is_computed() -> None:
    assert render_tables() in PAGE.read_text(), "put what render_tables() gives into docs/availability.md"
