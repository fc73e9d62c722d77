"""The rules as a Pulumi policy pack: the engine asks them of each resource, and of the stack as a whole."""

from collections.abc import Iterable
from datetime import date
from functools import partial
from pathlib import Path
from typing import Any

import pulumi_policy
from pulumi.runtime import proto
from pulumi_policy import EnforcementLevel
from pulumi_policy import policy as sdk

from policies.declared import Declared
from policies.exemptions import EXEMPTIONS, Exemption, ExemptionError, load_exemptions
from policies.field import Finding, Verdict
from policies.judging import Judgement, exemption_of, judge_stack_rule
from policies.messages import resource_of, stack_of
from policies.record import Resource
from policies.registry import RULES, resource_rules, stack_rules
from policies.rule import ALL_KINDS, Rule

NAME = "moltghost"
_KIND = "moltghost:kind"
_NOT_KNOWN = "Not known before the deployment, and so not passed: judged again at the update."


class _OfResources(pulumi_policy.ResourceValidationPolicy):
    """What the engine is told of a policy about single resources; `Analyzer` judges."""


class _OfStacks(pulumi_policy.StackValidationPolicy):
    """What the engine is told of a policy about a stack; `Analyzer` judges."""


UNKNOWN = _OfResources("not-known-yet", _NOT_KNOWN, enforcement_level=EnforcementLevel.ADVISORY)
UNKNOWN_OF_STACK = _OfStacks("not-known-yet-of-the-stack", _NOT_KNOWN, enforcement_level=EnforcementLevel.ADVISORY)
IN_FORCE = _OfStacks(
    "exemptions-are-in-force",
    "Each exemption names a rule, a resource, a reason, an owner and a day that has not passed.",
)


def _policy_of(rule: Rule) -> pulumi_policy.Policy:
    form = _OfResources if rule.check else _OfStacks
    return form(rule.name, f"{rule.says} {rule.reason}", tags=list(rule.controls), remediation_steps=rule.remedy)


POLICIES = {rule.name: _policy_of(rule) for rule in RULES}
"""A mandatory policy for each rule, by its name."""


class Deployment:
    """What the engine says of the deployment before it asks anything."""

    def __init__(self, file: Path) -> None:
        self.file = file
        self.stack = ""
        self.kind: str | None = None
        self.is_preview = True
        self.exemptions: tuple[Exemption, ...] = ()
        self.problems: tuple[str, ...] = ()

    def begin(self, request: Any) -> None:
        """Take note of the stack, its kind, and whether this is a preview."""
        self.stack, self.is_preview = request.stack, request.dry_run
        kind = request.config.get(_KIND)
        self.kind = kind if kind in ALL_KINDS else None

    def read_exemptions(self) -> None:
        """Exemptions that aren't right are none: their problems are reported, and everything is asked."""
        try:
            self.exemptions = load_exemptions(self.file, (rule.name for rule in RULES), date.today())
        except ExemptionError as error:
            self.problems = error.problems

    def holds(self, rule: Rule) -> bool:
        """Whether the rule is for stacks of this kind. A stack that doesn't say its kind is asked everything."""
        return self.kind is None or self.kind in rule.kinds

    def refuses(self, finding: Finding) -> bool:
        """Whether a finding refuses. At an update nothing may be left unknown."""
        return finding.verdict is Verdict.FAIL or not self.is_preview


def serve(exemptions: Path = EXEMPTIONS) -> None:
    """Answer the engine until it ends."""
    deployment = Deployment(exemptions)
    deployment.read_exemptions()
    sdk._PolicyAnalyzerServicer = partial(Analyzer, deployment)  # type: ignore[assignment, misc]
    policies = [*POLICIES.values(), UNKNOWN, UNKNOWN_OF_STACK, IN_FORCE]
    pulumi_policy.PolicyPack(name=NAME, policies=policies, enforcement_level=EnforcementLevel.MANDATORY)


# ruff: noqa: N802 - the methods' names are the protocol's
class Analyzer(sdk._PolicyAnalyzerServicer):
    """The SDK's servicer, which describes the policies and keeps their configured levels, but judges in one pass.

    The SDK's own pass decodes a resource anew for every policy, and the whole stack for every policy about stacks.
    It also throws away what the engine says of the deployment, and reads variables that newer engines don't set.
    """

    def __init__(self, deployment: Deployment, *described: Any) -> None:
        super().__init__(*described)
        self.deployment = deployment

    def ConfigureStack(self, request: Any, context: Any) -> Any:
        self.deployment.begin(request)
        return super().ConfigureStack(request, context)

    def Analyze(self, request: Any, _context: Any) -> proto.AnalyzeResponse:
        response, rules = proto.AnalyzeResponse(), self._asked(resource_rules(request.type))
        resource = resource_of(request) if rules else None
        for rule in rules:
            if resource and rule.check:
                self._tell(response, UNKNOWN, rule, resource, rule.check(resource))
        return response

    def AnalyzeStack(self, request: Any, _context: Any) -> proto.AnalyzeResponse:
        response, known = proto.AnalyzeResponse(), self.deployment
        declared = Declared(stack_of(request, known.stack, known.kind or ""))
        for rule in self._asked(stack_rules()):
            for resource, findings in judge_stack_rule(rule, declared):
                self._tell(response, UNKNOWN_OF_STACK, rule, resource, findings)
        for problem in known.problems:
            self._report(response, IN_FORCE, problem)
        return response

    def Remediate(self, _request: Any, _context: Any) -> proto.RemediateResponse:
        """No rule mends what it refuses."""
        return proto.RemediateResponse()

    def _asked(self, rules: Iterable[Rule]) -> list[Rule]:
        """Those that hold for the stack's kind, and that no configuration of the pack disables."""
        return [each for each in rules if self.deployment.holds(each) and self._level(POLICIES[each.name])]

    def _tell(
        self,
        response: proto.AnalyzeResponse,
        unknown: pulumi_policy.Policy,
        rule: Rule,
        resource: Resource,
        findings: Iterable[Finding],
    ) -> None:
        """Report what refuses in the rule's name, and what a preview can't know in that of the policy `unknown`."""
        found = tuple(findings)
        if not found or exemption_of(self.deployment.exemptions, rule, resource):
            return
        for finding in found:
            policy = POLICIES[rule.name] if self.deployment.refuses(finding) else unknown
            for line in Judgement(rule, resource, (finding,)).lines():
                self._report(response, policy, line, resource.urn)

    def _report(
        self, response: proto.AnalyzeResponse, policy: pulumi_policy.Policy, message: str, urn: str | None = None
    ) -> None:
        if level := self._level(policy):
            self._create_report_violation(response, policy.name, policy.description, level)(message, urn)

    def _level(self, policy: pulumi_policy.Policy) -> EnforcementLevel | None:
        """How much a violation counts, None for nothing. What can't be mended is refused instead."""
        level = self._get_enforcement_level(policy)
        if level is EnforcementLevel.REMEDIATE:
            return EnforcementLevel.MANDATORY
        return None if level is EnforcementLevel.DISABLED else level
