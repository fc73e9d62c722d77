"""The bench of proofs measures what it says: a fleet that is proved, and oracles that are asked of every pair."""

from tests.bench.proof import LISTED, cyclonus_timed, nca_timed, stacks, timed


def test_a_small_fleet_is_timed() -> None:
    assert min(timed(40, 4)) > 0
    assert cyclonus_timed(8, 2) > 0
    assert (nca_timed(8, 2) or 0) > 0


def test_what_takes_too_long_has_no_time() -> None:
    assert nca_timed(8, 2, patience=0.01) is None


def test_fleets_have_the_size_they_are_asked_for() -> None:
    made = stacks(40, 4)
    kinds = [each.type.rpartition(":")[2] for stack in made for each in stack.resources]
    assert kinds.count("Sandbox") == 40
    assert kinds.count("Namespace") == 4 + 1
    assert kinds.count("NetworkPolicy") == 4 * (4 + -(-10 // LISTED)) + 2
