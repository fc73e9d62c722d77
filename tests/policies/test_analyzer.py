"""What the pack answers the engine's questions, asked without an engine."""

import json
from datetime import date
from typing import Any
from unittest.mock import Mock

import pytest
from google.protobuf import json_format, struct_pb2
from pulumi.runtime import proto
from pulumi_policy import EnforcementLevel, proxy

from policies.exemptions import EXEMPTIONS, Exemption
from policies.messages import resource_of
from policies.pack import IN_FORCE, NAME, POLICIES, UNKNOWN, UNKNOWN_OF_STACK, Analyzer, Deployment
from policies.record import Resource, Unknown
from policies.registry import RULES
from tests.policies.cases.clouds import bucket
from tests.policies.cases.pods import with_container, with_spec

HOST, OPEN = "pod-shares-no-host-namespace", "bucket-is-private"


def analyzer(*exemptions: Exemption, dry_run: bool = True) -> Analyzer:
    deployment = Deployment(EXEMPTIONS)
    deployment.exemptions = exemptions
    policies = [*POLICIES.values(), UNKNOWN, UNKNOWN_OF_STACK, IN_FORCE]
    made = Analyzer(deployment, NAME, "1", policies, EnforcementLevel.MANDATORY)
    config = {"moltghost:kind": "region"}
    made.ConfigureStack(proto.AnalyzerStackConfigureRequest(stack="one", dry_run=dry_run, config=config), None)
    return made


def sent(resource: Resource) -> struct_pb2.Struct:
    """A resource's inputs as they go over the wire."""
    inputs = json.dumps(resource.inputs, default=lambda _: proxy.UNKNOWN_STRING_VALUE)
    return json_format.Parse(inputs, struct_pb2.Struct())


def of_stack(resource: Resource) -> proto.AnalyzerResource:
    """A resource as the engine shows it within a stack."""
    made = proto.AnalyzerResource(type=resource.type, urn=resource.urn, name=resource.name, properties=sent(resource))
    for key, urns in resource.property_dependencies.items():
        made.propertyDependencies[key].urns.extend(urns)
    return made


def asked(of: Analyzer, *resources: Resource) -> dict[str, tuple[str, ...]]:
    """The policies that are broken, and for each the names of the levels it is told at."""
    found: dict[str, list[str]] = {}
    for each in resources:
        message = proto.AnalyzeRequest(type=each.type, urn=each.urn, name=each.name, properties=sent(each))
        for diagnostic in of.Analyze(message, None).diagnostics:
            found.setdefault(diagnostic.policyName, []).append(proto.EnforcementLevel.Name(diagnostic.enforcementLevel))
    stack = proto.AnalyzeStackRequest(resources=map(of_stack, resources))
    for diagnostic in of.AnalyzeStack(stack, None).diagnostics:
        found.setdefault(diagnostic.policyName, []).append(proto.EnforcementLevel.Name(diagnostic.enforcementLevel))
    return {name: tuple(levels) for name, levels in found.items()}


def configured(of: Analyzer, name: str, level: Any) -> Analyzer:
    request = proto.ConfigureAnalyzerRequest(policyConfig={name: proto.PolicyConfig(enforcementLevel=level)})
    of.Configure(request, None)  # type: ignore[no-untyped-call]
    return of


def test_the_engine_is_told_of_every_rule() -> None:
    info = analyzer().GetAnalyzerInfo(None, None)  # type: ignore[no-untyped-call]
    told = {each.name: each for each in info.policies}
    assert set(told) == {*(rule.name for rule in RULES), UNKNOWN.name, UNKNOWN_OF_STACK.name, IN_FORCE.name}
    for rule in RULES:
        form = proto.POLICY_TYPE_RESOURCE if rule.check else proto.POLICY_TYPE_STACK
        assert (told[rule.name].policy_type, told[rule.name].enforcementLevel) == (form, proto.MANDATORY)
        assert told[rule.name].remediation_steps == rule.remedy


@pytest.mark.parametrize(
    ("rule", "resources"),
    [(HOST, with_spec(hostPID=True)("one")), (OPEN, bucket("one", without="PublicAccessBlock"))],
)
def test_a_violation_has_the_level_the_pack_is_configured_to(rule: str, resources: tuple[Resource, ...]) -> None:
    assert asked(analyzer(), *resources)[rule] == ("MANDATORY",)
    assert asked(configured(analyzer(), rule, proto.ADVISORY), *resources)[rule] == ("ADVISORY",)
    assert asked(configured(analyzer(), rule, proto.REMEDIATE), *resources)[rule] == ("MANDATORY",)
    assert rule not in asked(configured(analyzer(), rule, proto.DISABLED), *resources)


def test_what_a_preview_cannot_know_refuses_at_the_update() -> None:
    (pod,) = with_container(image=proxy.UNKNOWN_STRING_VALUE)("one")
    preview = asked(analyzer(), pod)
    assert (preview[UNKNOWN.name][0], "image-has-a-digest" in preview) == ("ADVISORY", False)
    assert asked(analyzer(dry_run=False), pod)["image-has-a-digest"] == ("MANDATORY",)


def test_an_exemption_covers_all_that_its_rule_finds() -> None:
    (pod,) = with_spec(hostPID=True, hostIPC=True)("one")
    exempt = Exemption(
        path="here", rule=HOST, resource=f"*::{pod.name}", reason="a test", owner="tests", expires=date.max
    )
    assert asked(analyzer(), pod)[HOST] == ("MANDATORY", "MANDATORY")
    assert HOST not in asked(analyzer(exempt), pod)


def test_each_resource_of_a_stack_is_decoded_once(monkeypatch: pytest.MonkeyPatch) -> None:
    decode = Mock(side_effect=json_format.MessageToDict)
    monkeypatch.setattr(json_format, "MessageToDict", decode)
    stack = proto.AnalyzeStackRequest(resources=map(of_stack, bucket("one")))
    analyzer().AnalyzeStack(stack, None)
    assert decode.call_count == len(stack.resources)


def test_values_are_as_the_program_gave_them_but_for_what_is_not_known() -> None:
    given = {
        "text": "a",
        "whole": 3,
        "part": 0.5,
        "flag": True,
        "nothing": None,
        "list": ["a", {"later": proxy.UNKNOWN_NUMBER_VALUE}],
        "secret": {"4dabf18193072939515e22adb298388d": "1b47061264138c4ac30d75fd1eb44270", "value": "hidden"},
    }
    message = proto.AnalyzeRequest(type="a:b:C", properties=json_format.ParseDict(given, struct_pb2.Struct()))
    later = Unknown("number value at .list.1.later can't be known during preview")
    assert resource_of(message).inputs == {**given, "list": ["a", {"later": later}], "secret": "hidden"}
