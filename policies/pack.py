"""The rules as a Pulumi policy pack: the engine asks them of each resource, and of the stack as a whole."""

from collections.abc import Callable, Iterator, Mapping
from datetime import date
from pathlib import Path
from typing import Any

import pulumi_policy
from pulumi_policy import policy as sdk
from pulumi_policy.proxy import UnknownValueError

from policies.declared import Declared
from policies.exemptions import EXEMPTIONS, Exemption, ExemptionError, load_exemptions
from policies.field import Finding, Verdict
from policies.judging import Judgement, exemption_of, judge_stack_rule
from policies.record import Resource, Stack, Unknown, Value
from policies.registry import RULES, resource_rules, stack_rules
from policies.rule import ALL_KINDS, Rule

NAME = "moltghost"
_KIND = "moltghost:kind"


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


def serve(exemptions: Path = EXEMPTIONS) -> None:
    """Answer the engine until it ends."""
    deployment = Deployment(exemptions)
    deployment.read_exemptions()

    # The SDK throws away what the engine says of the deployment, and reads variables that newer engines don't set.
    class Servicer(sdk._PolicyAnalyzerServicer):
        def ConfigureStack(self, request: Any, context: Any) -> Any:  # noqa: N802 - the protocol's name
            deployment.begin(request)
            return super().ConfigureStack(request, context)

    sdk._PolicyAnalyzerServicer = Servicer  # type: ignore[misc]
    pulumi_policy.PolicyPack(
        name=NAME, policies=build_policies(deployment), enforcement_level=pulumi_policy.EnforcementLevel.MANDATORY
    )


def build_policies(deployment: Deployment) -> list[pulumi_policy.Policy]:
    """A mandatory policy for each rule, and advisory ones that list what a preview can't know."""
    return [
        *(_policy_of(deployment, rule) for rule in RULES),
        pulumi_policy.ResourceValidationPolicy(
            "not-known-yet", _NOT_KNOWN, _unknowns(deployment), pulumi_policy.EnforcementLevel.ADVISORY
        ),
        pulumi_policy.StackValidationPolicy(
            "not-known-yet-of-the-stack",
            _NOT_KNOWN,
            _stack_unknowns(deployment),
            pulumi_policy.EnforcementLevel.ADVISORY,
        ),
        pulumi_policy.StackValidationPolicy(
            "exemptions-are-in-force",
            "Each exemption names a rule, a resource, a reason, an owner and a day that has not passed.",
            _exemption_problems(deployment),
            pulumi_policy.EnforcementLevel.MANDATORY,
        ),
    ]


_NOT_KNOWN = "Not known before the deployment, and so not passed: judged again at the update."


def _policy_of(deployment: Deployment, rule: Rule) -> pulumi_policy.Policy:
    described = f"{rule.says} {rule.reason}"
    if rule.check:
        return pulumi_policy.ResourceValidationPolicy(
            rule.name,
            described,
            _resource_policy(deployment, rule),
            tags=list(rule.controls),
            remediation_steps=rule.remedy,
        )
    return pulumi_policy.StackValidationPolicy(
        rule.name,
        described,
        _stack_policy(deployment, rule),
        tags=list(rule.controls),
        remediation_steps=rule.remedy,
    )


Report = Callable[..., None]


def _counts(deployment: Deployment, finding: Finding) -> bool:
    """Whether a finding refuses. At an update nothing may be left unknown."""
    return finding.verdict is Verdict.FAIL or not deployment.is_preview


def _resource_policy(deployment: Deployment, rule: Rule) -> Callable[[Any, Report], None]:
    def validate(args: Any, report: Report) -> None:
        if rule.check is None or not rule.judges(args.resource_type) or not deployment.holds(rule):
            return
        resource = resource_of(args)
        if not exemption_of(deployment.exemptions, rule, resource):
            _tell(rule, resource, (each for each in rule.check(resource) if _counts(deployment, each)), report)

    return validate


def _unknowns(deployment: Deployment) -> Callable[[Any, Report], None]:
    def validate(args: Any, report: Report) -> None:
        rules = [rule for rule in resource_rules(args.resource_type) if deployment.holds(rule)]
        if not rules or not deployment.is_preview:
            return
        resource = resource_of(args)
        for rule in rules:
            if rule.check and not exemption_of(deployment.exemptions, rule, resource):
                unknown = (each for each in rule.check(resource) if each.verdict is Verdict.UNKNOWN)
                _tell(rule, resource, unknown, report)

    return validate


def _stack_policy(deployment: Deployment, rule: Rule) -> Callable[[Any, Report], None]:
    def validate(args: Any, report: Report) -> None:
        for resource, findings in _judged(deployment, rule, declared_of(args, deployment)):
            _tell(rule, resource, (each for each in findings if _counts(deployment, each)), report, resource.urn)

    return validate


def _stack_unknowns(deployment: Deployment) -> Callable[[Any, Report], None]:
    def validate(args: Any, report: Report) -> None:
        if not deployment.is_preview:
            return
        declared = declared_of(args, deployment)
        for rule in stack_rules():
            for resource, findings in _judged(deployment, rule, declared):
                unknown = (each for each in findings if each.verdict is Verdict.UNKNOWN)
                _tell(rule, resource, unknown, report, resource.urn)

    return validate


def _exemption_problems(deployment: Deployment) -> Callable[[Any, Report], None]:
    def validate(_: Any, report: Report) -> None:
        for problem in deployment.problems:
            report(problem)

    return validate


def _judged(deployment: Deployment, rule: Rule, declared: Declared) -> Iterator[tuple[Resource, tuple[Finding, ...]]]:
    if deployment.holds(rule):
        for resource, findings in judge_stack_rule(rule, declared):
            if not exemption_of(deployment.exemptions, rule, resource):
                yield resource, findings


def _tell(rule: Rule, resource: Resource, findings: Iterator[Finding], report: Report, urn: str | None = None) -> None:
    told = tuple(findings)
    for line in Judgement(rule, resource, told).lines() if told else ():
        report(line, urn)


def declared_of(args: Any, deployment: Deployment) -> Declared:
    """The stack as the engine shows it."""
    resources = tuple(resource_of(each) for each in args.resources)
    return Declared(Stack(name=deployment.stack, kind=deployment.kind or "", resources=resources, outputs={}))


def resource_of(args: Any) -> Resource:
    """A resource as the engine shows it to a policy, of itself or as one of a stack's."""
    inputs = plain(args.props)
    options, parent = args.opts, getattr(args, "parent", None)
    dependencies = getattr(args, "dependencies", ())
    by_property = getattr(args, "property_dependencies", {})
    return Resource(
        urn=args.urn,
        type=args.resource_type,
        name=args.name,
        parent=parent.urn if parent else None,
        provider=args.provider.urn if args.provider else None,
        dependencies=tuple(each.urn for each in dependencies),
        property_dependencies={key: tuple(each.urn for each in made_of) for key, made_of in by_property.items()},
        inputs=inputs if isinstance(inputs, Mapping) else {},
        protect=options.protect,
        options={"ignoreChanges": list(options.ignore_changes), "aliases": list(options.aliases)},
        custom=args.provider is not None or args.resource_type.startswith("pulumi:providers:"),
    )


def plain(value: Any) -> Value:
    """A value without the SDK's proxies, which raise where a value isn't known yet."""
    if isinstance(value, Mapping):
        return {key: _entry(value, key) for key in value}
    if isinstance(value, str | int | float | bool) or value is None:
        return value
    if hasattr(value, "__getitem__") and hasattr(value, "__len__"):
        return [_entry(value, at) for at in range(len(value))]
    return str(value)


def _entry(holder: Any, key: Any) -> Value:
    try:
        return plain(holder[key])
    except UnknownValueError as unknown:
        return Unknown(unknown.message)
