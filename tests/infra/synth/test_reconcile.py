"""What the engine previews, beside what the records say."""

import json
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from infra.synth.diff.render import render
from infra.synth.diff.report import make_report
from infra.synth.reconcile import reconcile
from tests.infra.synth.diff.fleets import changed, customer

CLAIM = "urn:pulumi:acme::moltghost::kubernetes:core/v1:PersistentVolumeClaim::acme-use1-models"
QUOTA = "urn:pulumi:acme::moltghost::kubernetes:core/v1:ResourceQuota::acme-use1-quota"
COMPONENT = "urn:pulumi:acme::moltghost::moltghost:tenant:Tenant::acme-use1-tenant"
SAME = [
    ("replace", CLAIM),
    ("create-replacement", CLAIM),
    ("update", QUOTA),
    ("update", COMPONENT),
    ("same", "urn:x::y::z::a"),
]


@pytest.fixture
def report(tmp_path: Path) -> Path:
    after = changed(customer("acme"), "models", lambda inputs: inputs["spec"].update(storageClassName="io2"))
    after = changed(after, "quota", lambda inputs: inputs["spec"]["hard"].update(pods=5))
    made = make_report(("main", {"acme": customer("acme")}, {}), ("change", {"acme": after}, {}))
    file = tmp_path / "diff.json"
    file.write_text(render(made, "json"))
    return file


def run(report: Path, steps: list[tuple[str, str]], *options: str) -> Result:
    preview: dict[str, Any] = {"steps": [{"op": op, "urn": urn} for op, urn in steps]}
    file = report.with_name("acme.json")
    file.write_text(json.dumps(preview))
    return CliRunner().invoke(reconcile, [str(report), str(file), *options])


def test_the_same_is_the_same(report: Path) -> None:
    done = run(report, SAME)
    assert done.exit_code == 0, done.output


@pytest.mark.parametrize(
    ("steps", "said"),
    [
        ([each for each in SAME if each[1] != QUOTA], f"acme: {QUOTA}: update by the records, nothing by the engine"),
        ([*SAME, ("delete", "urn:pulumi:acme::p::aws:kms/key:Key::k")], "Key::k: nothing by the records, delete"),
        ([("update", CLAIM), ("update", QUOTA)], f"{CLAIM}: replace by the records, update by the engine"),
    ],
)
def test_each_difference_is_told(report: Path, steps: list[tuple[str, str]], said: str) -> None:
    done = run(report, steps)
    assert done.exit_code == 2
    assert said in done.output


def test_stacks_that_change_are_listed(report: Path) -> None:
    assert run(report, [], "--list").output == "acme\n"


def test_a_stack_without_a_preview_is_an_error(report: Path) -> None:
    done = CliRunner().invoke(reconcile, [str(report)])
    assert done.exit_code == 1
    assert "no preview of acme" in done.output
