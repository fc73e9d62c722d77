"""OWASP Top 10:2025: in each class, attacks refused by the layer that the docs name, and look-alikes let through."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from components.edge.refusals import build_refusals
from runtime.contract import paths
from tests.components.specs import ZONE
from tests.owasp.layers import DeployedEdge, ask, deployed_edge
from tests.owasp.samples import LAYERS, Sample, read_classes
from tests.stack_files import PROJECT

CLASSES = read_classes()
REFUSED = [sample for one in CLASSES for sample in one.refused]
ALLOWED = [sample for one in CLASSES for sample in one.allowed]
ENOUGH = 3


@pytest.fixture(scope="module")
def edge(tmp_path_factory: pytest.TempPathFactory) -> Iterator[DeployedEdge]:
    """Deployed once for all samples."""
    folder: Path = tmp_path_factory.mktemp("edge")
    with deployed_edge(folder) as deployed:
        yield deployed


@pytest.mark.parametrize("sample", REFUSED, ids=lambda sample: sample.id)
async def test_an_attack_is_refused_by_its_layer(sample: Sample, edge: DeployedEdge) -> None:
    verdict = await ask(sample, edge)
    assert 400 <= verdict.status < 500
    assert verdict.by == sample.by
    assert not verdict.reached


@pytest.mark.parametrize("sample", ALLOWED, ids=lambda sample: sample.id)
async def test_what_only_looks_like_one_is_let_through(sample: Sample, edge: DeployedEdge) -> None:
    verdict = await ask(sample, edge)
    assert (verdict.status, verdict.by) == (200, "")
    assert verdict.reached or sample.path.startswith(paths.MODELS)


def test_every_class_has_enough_of_both_and_the_layers_are_known() -> None:
    assert [one.id for one in CLASSES] == [f"A{number:02}" for number in range(1, 11)]
    for one in CLASSES:
        assert len(one.refused) >= ENOUGH
        assert len(one.allowed) >= ENOUGH
    assert {sample.layer for sample in REFUSED} == set(LAYERS)
    assert all(sample.by for sample in REFUSED)
    assert not any(sample.by for sample in ALLOWED)


def test_the_docs_name_the_layers_that_refuse() -> None:
    page = (PROJECT / "docs" / "edge.md").read_text()
    for one in CLASSES:
        row = re.search(rf"^\| {one.id} {one.name} \| ([^|]*) \|", page, re.MULTILINE)
        assert row is not None, one.id
        assert row[1].split(", ") == [layer for layer in LAYERS if layer in {each.layer for each in one.refused}]


def test_every_custom_rule_of_the_api_refuses_one_at_least() -> None:
    refusing = {sample.by for sample in REFUSED if sample.layer == "rule"}
    declared = {rule.ref for rule in build_refusals(ZONE) if rule.ref.startswith("api-")}
    assert refusing == declared
