"""The bench of the address plan measures what it says."""

from tests.bench.address_plan import measured


def test_every_region_and_every_pair_is_in_the_figures() -> None:
    made = {step: count for step, count, _ in measured(regions=3, sites=2)}
    assert made == {"blocks given out": 3, "ranges computed": 3 * 15 + 2, "pairs checked": 10, "lines rendered": 7}
