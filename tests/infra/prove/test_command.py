"""`moltghost prove`, on records."""

import json
from pathlib import Path

import pytest
from click.testing import CliRunner

from infra.cli import main
from infra.synth.model import to_json
from tests.infra.prove.fleet import Stacks
from tests.infra.prove.test_disasters import DISASTERS


def written(folder: Path, stacks: Stacks) -> list[str]:
    for stack in stacks:
        (folder / f"{stack.name}.json").write_text(to_json(stack))
    return ["prove", "--records", str(folder)]


def test_what_holds_gives_a_certificate(tmp_path: Path, fleet: Stacks) -> None:
    ran = CliRunner().invoke(main, [*written(tmp_path, fleet), "--out", str(tmp_path / "certificate")])
    assert ran.exit_code == 0, ran.output
    assert ran.output.startswith("PROVED: 7 stacks")
    document = json.loads((tmp_path / "certificate").read_text())
    assert document["holds"] is True
    assert set(document["inputs"]) == {stack.name for stack in fleet}
    assert document["assumptions"]


def test_a_breach_is_shown_hop_by_hop_and_refused(tmp_path: Path, fleet: Stacks) -> None:
    ran = CliRunner().invoke(main, written(tmp_path, DISASTERS["an added from: []"][0](fleet)))
    assert ran.exit_code == 3
    assert "BREACH of only-the-gateway" in ran.output
    assert "NetworkPolicy::customer0001-use1-gateway-to-agents · spec.ingress[0]" in ran.output


def test_json_says_the_same(tmp_path: Path, fleet: Stacks) -> None:
    ran = CliRunner().invoke(main, [*written(tmp_path, DISASTERS["a key for everyone"][0](fleet)), "--format", "json"])
    assert ran.exit_code == 3
    (breach,) = json.loads(ran.output)["breaches"]
    assert breach["claim"] == "identities-apart"
    assert [hop["field"] for hop in breach["path"] if hop["field"]] == ["policy.Statement[2]"]


@pytest.mark.parametrize(
    ("names", "says"),
    [(["--stack", "none"], "there is no record of none"), ([], "there is no record in it")],
)
def test_records_that_are_not_there_are_said_so(tmp_path: Path, names: list[str], says: str) -> None:
    ran = CliRunner().invoke(main, ["prove", "--records", str(tmp_path), *names])
    assert ran.exit_code == 2
    assert says in ran.output


def test_what_is_no_record_is_said_so(tmp_path: Path) -> None:
    (tmp_path / "one.json").write_text("{}")
    ran = CliRunner().invoke(main, ["prove", "--records", str(tmp_path)])
    assert ran.exit_code == 2
    assert "is no record of this version" in ran.output
