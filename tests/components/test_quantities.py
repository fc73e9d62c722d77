"""Amounts come out as the API server writes them back."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from components.quantities import cpu, memory, volume


@pytest.mark.parametrize(
    ("written", "expected"),
    [(cpu(2), "2"), (cpu(0.25), "250m"), (cpu(0), "0"), (memory(1), "1Gi"), (memory(0.5), "512Mi")],
)
def test_cpu_and_memory_in_canonical_form(written: str, expected: str) -> None:
    assert written == expected


@pytest.mark.parametrize(("gb", "expected"), [(50, "50G"), (2000, "2T"), (1500, "1500G"), (0, "0")])
def test_volumes_in_canonical_form(gb: int, expected: str) -> None:
    assert volume(gb) == expected


@given(st.integers(0, 256_000))
def test_no_thousandth_of_a_core_is_lost(thousandths: int) -> None:
    text = cpu(thousandths / 1000)
    assert int(text.removesuffix("m")) * (1 if text.endswith("m") else 1000) == thousandths
