"""`moltghost check --policies`: a fleet is judged without an engine."""

from datetime import date
from pathlib import Path

import pytest
from click.testing import CliRunner

from infra.check import check
from policies import judging
from policies.exemptions import load_exemptions
from tests.infra.departures import Config
from tests.infra.fleets import change_stack, copy_fleet


@pytest.fixture(autouse=True)
def today(monkeypatch: pytest.MonkeyPatch) -> None:
    """A day on which every committed exemption counts."""
    written = date(2026, 11, 26)
    monkeypatch.setattr(judging, "load_exemptions", lambda file, rules, _: load_exemptions(file, rules, written))


def lose_with_stack(config: Config) -> None:
    config["moltghost:database"]["delete_with_stack"] = True


def test_a_stack_that_keeps_every_rule_is_summed_up(worker: None) -> None:
    result = CliRunner().invoke(check, ["global", "--policies"])
    assert result.exit_code == 0, result.output
    assert "global: 12 judgements, 0 refused, 0 not known yet, 0 exempt" in result.stdout


def test_what_a_rule_refuses_is_told_and_ends_with_3(worker: None, tmp_path: Path) -> None:
    change_stack(copy_fleet(tmp_path), "use1", lose_with_stack)
    result = CliRunner().invoke(check, ["use1", "--policies", "--folder", str(tmp_path)])
    assert result.exit_code == 3, result.output
    assert "aws:rds/instance:Instance platform-use1-database: database-is-kept: deletionProtection" in result.stdout
    assert "platform-use1-database: data-is-protected" in result.stdout
    assert CliRunner().invoke(check, ["use1", "--folder", str(tmp_path)]).exit_code == 0, "only when asked"


def test_a_bad_exemption_is_told_in_one_message(worker: None, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    file = tmp_path / "exemptions.yaml"
    file.write_text("exemptions:\n  - rule: no-such-rule\n")
    monkeypatch.setattr(judging, "EXEMPTIONS", file)
    result = CliRunner().invoke(check, ["global", "--policies"])
    assert result.exit_code == 1
    assert "exemptions.yaml: exemptions[0].rule: there is no rule 'no-such-rule'" in result.stderr
    assert "Traceback" not in result.output


def test_a_dev_stack_is_left_to_the_pack() -> None:
    result = CliRunner().invoke(check, ["dev", "--policies"])
    assert result.exit_code == 0
    assert "dev: of kind dev, which needs its machine: the policy pack judges it" in result.stdout
