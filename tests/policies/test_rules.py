"""Every rule passes what is good and refuses each mutant, in the form that reads a record."""

import re
from pathlib import Path

import pytest

from policies.field import Verdict
from policies.judging import Report, judge
from policies.record import Resource, Secret, Unknown
from policies.registry import RULES, resource_rules
from policies.rule import ALL_KINDS, CLOUD_KINDS, Rule
from tests.policies.all_cases import CASES
from tests.policies.cases.edges import PRESHARED, PRIVATE, masked_gateway
from tests.policies.cases.pods import with_container
from tests.policies.resources import resource, stack

BY_NAME = {rule.name: rule for rule in RULES}
MUTANTS = [(name, mutant) for name, case in CASES.items() for mutant in case.mutants]
CONTROLS = re.compile(
    r"PSS (baseline|restricted): .+|CIS (Kubernetes|AWS|EKS) [\d.-]+"
    r"|SOC2 (CC|A)\d\.\d|ISO 27001 A\.[5-8]\.\d+|GDPR Art\. \d+"
)


def judged(name: str, resources: tuple[Resource, ...], kind: str) -> list[Verdict]:
    """What a rule says of these resources."""
    report = judge(stack(*resources, kind=kind))
    return [each.verdict for each in report.judgements if each.rule.name == name]


def test_every_rule_has_a_good_case_and_a_mutant() -> None:
    lacking = [rule.name for rule in RULES if rule.name not in CASES or not CASES[rule.name].mutants]
    assert not lacking
    assert set(CASES) == set(BY_NAME)


@pytest.mark.parametrize("name", CASES)
def test_a_good_case_passes_every_rule(name: str) -> None:
    case = CASES[name]
    report = judge(stack(*case.good(name), kind=case.kind))
    assert not report.failures, "\n".join(report.lines())
    assert not report.unknowns or name not in {each.rule.name for each in report.unknowns}


@pytest.mark.parametrize(("name", "mutant"), MUTANTS)
def test_a_mutant_fails_its_rule(name: str, mutant: str) -> None:
    case = CASES[name]
    found = judged(name, case.mutants[mutant](f"{name}-{mutant}"), case.kind)
    assert Verdict.FAIL in found


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.name)
def test_a_rule_says_what_it_is_for(rule: Rule) -> None:
    for text in (rule.says, rule.reason, rule.remedy):
        assert text.endswith("."), text
        assert len(text) > 15
    assert rule.controls
    assert [each for each in rule.controls if not CONTROLS.fullmatch(each)] == []
    assert rule.kinds in (ALL_KINDS, CLOUD_KINDS)
    assert rule.types


@pytest.mark.parametrize(
    "rule", [rule for rule in RULES if any(":" in each for each in rule.types)], ids=lambda rule: rule.name
)
def test_what_reaches_kubernetes_is_asked_there_or_can_be_told_only_by_what_is_beside_it(rule: Rule) -> None:
    reaches = all(each.startswith("kubernetes:") for each in rule.types)
    if reaches and rule.check and rule.name != "kubernetes-objects-are-plain":
        assert rule.admission is not None


@pytest.mark.parametrize("name", [name for name in CASES if BY_NAME[name].check])
def test_nothing_unknown_passes_in_place_of_what_is_wrong(name: str) -> None:
    """A mutant whose values are not known yet is never passed."""
    rule, case = BY_NAME[name], CASES[name]
    assert rule.check is not None
    for mutant, make in case.mutants.items():
        for each in (one for one in make(f"{name}-{mutant}") if rule.judges(one.type)):
            if not list(rule.check(each)):
                continue
            hidden = {key: Unknown("x") for key in each.inputs}
            whole = resource(each.type, each.name, hidden, protect=each.protect, urn=each.urn)
            assert list(rule.check(whole)), f"{mutant}: passed though nothing of it is known"


def test_an_unknown_value_is_listed_with_its_path_and_is_not_passed() -> None:
    (pod,) = with_container(image=Unknown("urn:x image"))("one")
    report: Report = judge(stack(pod))
    assert not report.passed
    assert not report.failures
    (found,) = [each for each in report.unknowns if each.rule.name == "image-has-a-digest"]
    assert [each.path for each in found.findings] == ["spec.containers[0].image"]
    assert "urn:x image" in found.lines()[0]


def test_a_failure_beside_an_unknown_value_is_still_a_failure() -> None:
    (pod,) = with_container(image=Unknown("x"), securityContext={"privileged": True})("one")
    verdicts = {each.rule.name: each.verdict for each in judge(stack(pod)).judgements}
    assert verdicts["image-has-a-digest"] is Verdict.UNKNOWN
    assert verdicts["pod-is-not-privileged"] is Verdict.FAIL


def test_a_gateways_bundle_that_is_kept_secret_is_unknown() -> None:
    (bundle,) = masked_gateway("one")
    for name in (name for name in CASES if name.startswith("wireguard-")):
        assert judged(name, (bundle,), "region") == [Verdict.UNKNOWN]
    other = resource(bundle.type, "other", {"secretString": Secret("a digest")})
    assert judged("wireguard-peers-are-disjoint", (other,), "region") == [Verdict.PASS]


def test_nothing_of_a_gateways_keys_is_told() -> None:
    case = CASES["wireguard-peer-keeps-alive"]
    report = judge(stack(*case.mutants["absent"]("one"), kind="region"))
    told = f"{report.lines()} {[each.findings for each in report.judgements]}"
    assert PRIVATE not in told
    assert PRESHARED not in told


def test_a_dev_stack_is_asked_everything_but_to_keep_its_data() -> None:
    good = CASES["data-is-protected"].mutants["bucket"]("one")
    names = {each.rule.name for each in judge(stack(*good, kind="dev")).judgements}
    assert "bucket-is-private" in names
    assert "data-is-protected" not in names


def test_a_type_no_rule_knows_is_judged_by_none() -> None:
    assert resource_rules("random:index/randomId:RandomId") == ()


def test_each_file_holds_one_rule_of_its_name() -> None:
    folder = Path(__file__).parents[2] / "policies" / "rules"
    files = {path.stem for path in folder.glob("*.py")} - {"__init__"}
    assert files == {rule.name.replace("-", "_") for rule in RULES}
