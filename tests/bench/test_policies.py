"""The bench of the policies measures what it says."""

from pathlib import Path

from tests.bench.policies import measured


def test_every_resource_is_judged_in_both_forms(tmp_path: Path) -> None:
    cost = measured(tmp_path, count=130)
    assert 130 <= cost.resources < 150
    assert cost.judgements > 400
    assert min(cost.pure, cost.preview, cost.preview_with_pack) > 0
