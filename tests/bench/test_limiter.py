"""The limits' table."""

import json

import pytest

from tests.bench.limiter import read, rows

FLOOR = {"name": "without", "requests": 10, "p50": 1.0, "p99": 2.0, "processor": 0.5, "rate": 1000.4, "subrequests": 0}


def test_what_is_added_is_the_difference_to_the_first() -> None:
    limited = {**FLOOR, "name": "limited", "p50": 2.25, "p99": 5.0, "processor": 0.75, "rate": 500.0, "subrequests": 1}
    assert rows(read(f"{json.dumps(FLOOR)}\n{json.dumps(limited)}\n")) == [
        ("without", "10", "1.0", "2.0", "0.50", "0.0", "0.0", "0.00", "1000", "0.00"),
        ("limited", "10", "2.2", "5.0", "0.75", "1.2", "3.0", "0.25", "500", "1.00"),
    ]


def test_a_line_that_is_no_figure_is_an_error() -> None:
    with pytest.raises((TypeError, ValueError)):
        read("answered 500")
