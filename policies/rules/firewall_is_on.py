"""Before the Worker stands the zone's firewall."""

from collections.abc import Iterator

from policies.declared import Declared
from policies.field import Field, Finding, Verdict, inputs_of
from policies.record import Resource
from policies.rule import Rule

PHASES = ("http_request_firewall_custom", "http_request_firewall_managed", "http_ratelimit")
"""Rules of ours, Cloudflare's own, and limits."""
_RULESET = "cloudflare:index/ruleset:Ruleset"
_ROUTE = "cloudflare:index/workersRoute:WorkersRoute"


def _is_on(ruleset: Field) -> bool:
    return any(rule["enabled"].value in (None, True) for rule in ruleset["rules"].each())


def check(declared: Declared) -> Iterator[tuple[Resource, Finding]]:
    """The zone of each route has rules in force in every phase, and none that skips the others."""
    rulesets = [inputs_of(each) for each in declared.of(_RULESET)]
    for route in declared.of(_ROUTE):
        zone = inputs_of(route)["zoneId"]
        here = [each for each in rulesets if each["zoneId"].value == zone.value and zone.is_known]
        for phase in PHASES:
            if not any(each["phase"].value == phase and _is_on(each) for each in here):
                says = f"no rule in force in phase {phase}"
                known = zone.is_known and all(each["zoneId"].is_known for each in rulesets)
                yield route, Finding(Verdict.FAIL if known else Verdict.UNKNOWN, zone.path, says)
    for ruleset in declared.of(_RULESET):
        for rule in inputs_of(ruleset)["rules"].each():
            for finding in rule["enabled"].require(lambda flag: flag in (None, True), "the rule is switched off"):
                yield ruleset, finding
            for finding in rule["action"].require(lambda action: action != "skip", "the rule skips others"):
                yield ruleset, finding


RULE = Rule(
    name="firewall-is-on",
    says="A zone with a route to a Worker has custom rules, managed rules and rate limits in force, and skips none.",
    reason="What can't be meant for the API is refused before it costs anything, or finds anything.",
    remedy="Declare the zone's rulesets; leave edge.waf on.",
    controls=("SOC2 CC6.6", "SOC2 CC7.1", "ISO 27001 A.8.20", "ISO 27001 A.8.26"),
    types=(_ROUTE, _RULESET),
    check_stack=check,
)
