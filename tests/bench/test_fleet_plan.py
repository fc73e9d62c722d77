"""The bench of a fleet judges one that is sound, and counts every stack of it."""

from tests.bench.fleet_plan import measured


def test_every_stack_is_in_the_figures() -> None:
    assert [made for _, made, _ in measured(regions=4, tenants=4)] == [9, 9, 9, 9]
