"""When a child is started again and when it is given up, as arithmetic."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from runtime.agent.supervisor.restarts import History, Patience, Verdict, after_failure

SECONDS = st.floats(min_value=0, max_value=1000)
PATIENCE = st.builds(
    Patience,
    failures=st.integers(min_value=1, max_value=8),
    stable_s=st.floats(min_value=0.1, max_value=600),
    first_wait_s=st.floats(min_value=0, max_value=4),
)


def judged(served: list[float], patience: Patience) -> list[Verdict]:
    """The verdicts over a child's lives, each of so many seconds of service; none after it was given up."""
    history, verdicts = History(), []
    for served_s in served:
        verdicts.append(after_failure(history, served_s, patience))
        history = verdicts[-1].history
        if verdicts[-1].wait_s is None:
            break
    return verdicts


@given(st.lists(SECONDS, max_size=30), PATIENCE)
def test_given_up_at_the_first_run_of_so_many_failures_and_never_else(served: list[float], patience: Patience) -> None:
    run = 0
    for served_s, verdict in zip(served, judged(served, patience), strict=False):
        run = 1 if served_s >= patience.stable_s else run + 1
        assert verdict.history.failures == run
        assert (verdict.wait_s is None) == (run >= patience.failures)


@given(st.lists(SECONDS, max_size=30), PATIENCE)
def test_waits_double_within_a_run_and_start_anew_with_the_next(served: list[float], patience: Patience) -> None:
    for verdict in judged(served, patience):
        if verdict.wait_s is not None:
            assert verdict.wait_s == patience.first_wait_s * 2 ** (verdict.history.failures - 1)


@given(st.integers(min_value=1, max_value=50), PATIENCE)
def test_good_service_in_between_is_never_given_up(times: int, patience: Patience) -> None:
    verdicts = judged([patience.stable_s] * times, patience)
    assert all((verdict.wait_s is None) == (patience.failures == 1) for verdict in verdicts)


@pytest.mark.parametrize(
    ("served", "waits"),
    [
        ([0, 0, 0], [1, 2, None]),
        ([0, 299, 0], [1, 2, None]),
        ([0, 0, 300, 0, 0], [1, 2, 1, 2, None]),
    ],
)
def test_three_failures_without_five_good_minutes_are_too_many(served: list[float], waits: list[float | None]) -> None:
    assert [verdict.wait_s for verdict in judged(served, Patience())] == waits


def test_a_fourth_try_would_wait_four_seconds() -> None:
    assert [verdict.wait_s for verdict in judged([0] * 4, Patience(failures=5))] == [1, 2, 4, 8]
