"""`moltghost check`: the same verdict as the engine's, without an engine."""

from pathlib import Path

from click.testing import CliRunner

from infra.check import check
from tests.stack_files import DEV_STACK


def test_a_good_stack_is_summed_up() -> None:
    result = CliRunner().invoke(check, ["dev"])
    assert result.exit_code == 0
    assert "dev: no problem" in result.stdout
    assert "tenant acme in acme-local-agents: helper (tiny on l40s)" in result.stdout


def test_every_problem_is_listed_and_the_exit_says_so(tmp_path: Path) -> None:
    file = tmp_path / "other.yaml"
    file.write_text(DEV_STACK.read_text().replace("volume_gb: 50", "volume_gb: 5").replace("l40s\n", "h100\n"))
    result = CliRunner().invoke(check, ["dev", "--config-file", str(file)])
    assert result.exit_code == 1
    assert result.stdout == ""
    assert result.stderr.startswith("other.yaml: 4 problems\n")
    assert "Traceback" not in result.stderr


def test_a_stack_that_is_not_there() -> None:
    result = CliRunner().invoke(check, ["nowhere"])
    assert result.exit_code == 1
    assert "Pulumi.nowhere.yaml: cannot be read" in result.stderr
