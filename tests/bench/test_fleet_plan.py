"""The bench of a fleet judges one that is sound, and counts every stack of it."""

from tests.bench.fleet_plan import measured


def test_every_stack_is_in_the_figures() -> None:
    assert [made for _, made, _ in measured(regions=3, tenants=4)] == [8, 8, 8, 8]
