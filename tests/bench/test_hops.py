"""A figure of the bench is one of good answers, and a ratio one of rounds that met the same machine."""

import json

import pytest

from tests.bench.hops import Load, Side, read_load, row


def said(**changes: int) -> str:
    return json.dumps({"requests": 6000, "microseconds": 3_000_000, "failed": 0, "p50": 700, "p99": 9000, **changes})


def test_a_round_is_told_in_requests_a_second_and_milliseconds() -> None:
    assert read_load("door", said()) == Load(rate=2000, p50=0.7, p99=9.0)


@pytest.mark.parametrize("changes", [{"failed": 1}, {"requests": 0}])
def test_a_round_with_a_failure_has_no_figure(changes: dict[str, int]) -> None:
    with pytest.raises(RuntimeError, match=r"^door: \d of \d+ requests failed$"):
        read_load("door", said(**changes))


def test_the_ratio_is_the_median_of_each_rounds_own() -> None:
    """The machine slowed down for all after the first round: the ratio of all medians would say one half."""
    nginx = Side("nginx", 1, 1, [Load(1000, 1, 1), Load(100, 1, 1), Load(100, 1, 1)])
    door = Side("door", 2, 2, [Load(100, 1, 1), Load(20, 1, 1), Load(50, 1, 1)])
    assert row(door, nginx)[2] == "0.20"
    assert row(nginx, nginx)[2] == "1.00"
