"""The judgement of a whole stack by all rules: the form that reads a record of a program's resources."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date

from policies.declared import Declared
from policies.exemptions import EXEMPTIONS, Exemption, load_exemptions
from policies.field import Finding, Verdict
from policies.record import Resource, Stack
from policies.registry import RULES, resource_rules, stack_rules
from policies.rule import Rule


@dataclass(frozen=True)
class Judgement:
    """What one rule says of one resource; without findings it is passed."""

    rule: Rule
    resource: Resource
    findings: tuple[Finding, ...]
    exemption: Exemption | None = None

    @property
    def verdict(self) -> Verdict:
        """`fail` if anything fails, else `unknown` if anything is unknown, else `pass`. An exempt one is passed."""
        verdicts = {each.verdict for each in self.findings}
        if self.exemption or not verdicts:
            return Verdict.PASS
        return Verdict.FAIL if Verdict.FAIL in verdicts else Verdict.UNKNOWN

    def lines(self) -> list[str]:
        """One line a finding: verdict, resource, rule, field, why, and what to do."""
        return [
            f"{each.verdict}: {self.resource.type} {self.resource.name}: {self.rule.name}: "
            f"{each.path or 'the whole'}: {each.says}"
            + (f". {self.rule.remedy}" if each.verdict is Verdict.FAIL else "")
            for each in self.findings
        ]


@dataclass(frozen=True)
class Report:
    """All judgements of a stack."""

    stack: str
    judgements: tuple[Judgement, ...]

    @property
    def failures(self) -> tuple[Judgement, ...]:
        """What a rule refuses."""
        return self._of(Verdict.FAIL)

    @property
    def unknowns(self) -> tuple[Judgement, ...]:
        """What can't be judged before the deployment, and will be judged at the update."""
        return self._of(Verdict.UNKNOWN)

    @property
    def exempted(self) -> tuple[Judgement, ...]:
        """What an exemption lets pass."""
        return tuple(each for each in self.judgements if each.exemption)

    @property
    def passed(self) -> bool:
        """Whether everything is known, and passes."""
        return not self.failures and not self.unknowns

    def lines(self) -> list[str]:
        """The findings that count, failures first."""
        return [line for each in (*self.failures, *self.unknowns) for line in each.lines()]

    def _of(self, verdict: Verdict) -> tuple[Judgement, ...]:
        return tuple(each for each in self.judgements if each.verdict is verdict)


def committed_exemptions(today: date | None = None) -> tuple[Exemption, ...]:
    """The project's own exemptions as they count on a day, by itself this one. Raises ExemptionError."""
    return load_exemptions(EXEMPTIONS, (rule.name for rule in RULES), today or date.today())


def judge(stack: Stack, exemptions: Sequence[Exemption] = ()) -> Report:
    """Judge every resource of a stack by every rule that holds for its kind. Pure: the same record, the same report."""
    made = [
        Judgement(rule, resource, findings, exemption_of(exemptions, rule, resource) if findings else None)
        for rule, resource, findings in _judged(stack)
    ]
    return Report(stack.name, tuple(made))


def _judged(stack: Stack) -> Iterator[tuple[Rule, Resource, tuple[Finding, ...]]]:
    for resource in stack.resources:
        for rule in resource_rules(resource.type):
            if rule.check and stack.kind in rule.kinds:
                yield rule, resource, tuple(rule.check(resource))
    declared = Declared(stack)
    for rule in stack_rules():
        if stack.kind in rule.kinds:
            for resource, findings in judge_stack_rule(rule, declared):
                yield rule, resource, findings


def judge_stack_rule(rule: Rule, declared: Declared) -> Iterator[tuple[Resource, tuple[Finding, ...]]]:
    """What a rule that looks at a whole stack says of each resource it judges."""
    found: dict[str, list[Finding]] = {each.urn: [] for each in declared.of(*rule.types)}
    for resource, finding in rule.check_stack(declared) if rule.check_stack else ():
        found.setdefault(resource.urn, []).append(finding)
    for urn, findings in found.items():
        yield declared.by_urn[urn], tuple(findings)


def exemption_of(exemptions: Iterable[Exemption], rule: Rule, resource: Resource) -> Exemption | None:
    """The exemption that covers this, or None."""
    return next((each for each in exemptions if each.covers(rule.name, resource)), None)
