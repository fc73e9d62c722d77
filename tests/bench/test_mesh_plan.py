"""The bench of the mesh computes one that breaks no rule; a further site concerns its neighbours alone."""

import pytest

from tests.bench import mesh_plan
from tests.bench.mesh_plan import measured, sites


def test_every_pair_of_a_full_mesh_is_there_four_times() -> None:
    found = measured(10)
    assert found.tunnels == 10 * 9 // 2 * 4
    assert (found.changed, found.neighbours) == (2, 2)


def test_beyond_a_full_mesh_most_sites_are_joined_to_two_hubs(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(mesh_plan, "FULL", 5)
    monkeypatch.setattr(mesh_plan, "HUBS", 4)
    assert [each.neighbours for each in sites(6)] == [None] * 4 + [["s0", "s1"], ["s1", "s2"]]
    assert measured(6).tunnels == (4 * 3 // 2 + 2 * 2) * 4
