"""Exemptions: read whole, refused with their place when they are wrong, and counted until their day is over."""

from datetime import date
from pathlib import Path
from typing import Any

import pytest
import yaml

from policies.exemptions import Exemption, ExemptionError, load_exemptions
from policies.field import Verdict
from policies.judging import judge
from tests.policies.cases.pods import with_spec
from tests.policies.resources import stack

TODAY = date(2026, 11, 26)
RULES = ("pod-shares-no-host-namespace", "pod-is-not-privileged")
GOOD: dict[str, Any] = {
    "rule": RULES[0],
    "resource": "kubernetes:core/v1:Pod::pod-network-*",
    "reason": "It is the network.",
    "owner": "platform",
    "expires": TODAY,
}


def load(tmp_path: Path, *entries: Any, today: date = TODAY) -> tuple[Exemption, ...]:
    file = tmp_path / "exemptions.yaml"
    file.write_text(yaml.safe_dump({"exemptions": list(entries)}))
    return load_exemptions(file, RULES, today)


def test_an_exemption_lets_its_resource_pass_its_rule_and_no_other(tmp_path: Path) -> None:
    exemptions = load(tmp_path, GOOD)
    resources = (*with_spec(hostPID=True)("network-one"), *with_spec(hostPID=True, hostUsers=True)("other"))
    report = judge(stack(*resources), exemptions)
    assert [each.resource.name for each in report.failures] == ["pod-other"]
    (exempt,) = report.exempted
    assert (exempt.resource.name, exempt.rule.name, exempt.verdict) == ("pod-network-one", RULES[0], Verdict.PASS)
    assert exempt.findings, "what it would have failed for is kept"
    assert exempt.exemption == exemptions[0]


def test_it_counts_on_its_last_day_and_fails_on_the_next(tmp_path: Path) -> None:
    assert load(tmp_path, GOOD)
    with pytest.raises(ExemptionError, match=r"exemptions\[0\]\.expires: 2026-11-26 has passed"):
        load(tmp_path, GOOD, today=date(2026, 11, 27))


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"rule": "no-such-rule"}, "exemptions[1].rule: there is no rule 'no-such-rule'"),
        ({"reason": " "}, "exemptions[1].reason must be text"),
        ({"owner": None}, "exemptions[1].owner must be text"),
        ({"resource": 5}, "exemptions[1].resource must be text"),
        ({"expires": "soon"}, "exemptions[1].expires must be a day"),
        ({"expires": None}, "exemptions[1].expires must be a day"),
        ({"until": TODAY}, "exemptions[1].until is no field"),
    ],
)
def test_what_is_wrong_is_named(tmp_path: Path, change: dict[str, Any], said: str) -> None:
    with pytest.raises(ExemptionError) as refused:
        load(tmp_path, GOOD, {**GOOD, **change})
    assert len(refused.value.problems) == 1
    assert said in refused.value.problems[0]


def test_all_problems_are_told_at_once(tmp_path: Path) -> None:
    with pytest.raises(ExemptionError) as refused:
        load(tmp_path, "nothing", {**GOOD, "rule": "x", "expires": date(2020, 1, 1)}, {})
    assert len(refused.value.problems) == 3 + 5


@pytest.mark.parametrize("text", ["", "[]", "exemptions: 5", "exemptions: []\nother: 1"])
def test_a_file_that_is_no_list_of_exemptions_is_refused(tmp_path: Path, text: str) -> None:
    file = tmp_path / "exemptions.yaml"
    file.write_text(text)
    with pytest.raises(ExemptionError, match="expected one list"):
        load_exemptions(file, RULES, TODAY)
