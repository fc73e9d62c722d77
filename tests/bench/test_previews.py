"""The bench of previews measures what it says."""

from tests.bench.previews import measured


def test_one_change_of_every_customer_reads_as_one() -> None:
    found = measured(customers=2)
    assert found.stacks == 6
    assert found.resources > 6 * 20
    assert (found.groups, found.changed) == (1, 2)
    assert min(found.synth, found.diff) > 0
