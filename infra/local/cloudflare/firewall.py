"""What the firewall in the runtime is told of a zone's rulesets."""

from collections.abc import Mapping

from infra.local.cloudflare.rules import parse
from infra.local.cloudflare.store import Record

CUSTOM, RATES = "http_request_firewall_custom", "http_ratelimit"
"""The phases that are evaluated."""
LOCATION = "cf.colo.id"
BLOCKED: Record = {"status_code": 403, "content_type": "text/plain", "content": "Blocked by a rule of the zone.\n"}
"""What a rule answers that names no answer of its own."""


def firewall_rules(rulesets: Mapping[str, Record]) -> dict[str, list[Record]]:
    """What the firewall in the runtime is told of a zone's rulesets: their enabled rules, parsed."""
    enabled = [
        (ruleset["phase"], rule)
        for ruleset in rulesets.values()
        for rule in ruleset["rules"]
        if rule["enabled"] and ruleset["phase"] in {CUSTOM, RATES}
    ]
    return {
        "custom": [_judging(rule) for phase, rule in enabled if phase == CUSTOM],
        "rates": [{**_judging(rule), **_counting(rule)} for phase, rule in enabled if phase == RATES],
    }


def _judging(rule: Record) -> Record:
    answer = rule.get("action_parameters", {}).get("response", BLOCKED)
    return {
        "ref": rule.get("ref", ""),
        "action": rule["action"],
        "expression": parse(rule["expression"]),
        "response": answer,
    }


def _counting(rule: Record) -> Record:
    limit = rule["ratelimit"]
    counting = limit.get("counting_expression", rule["expression"])
    return {
        "counting": parse(counting, response=True),
        "counts_answers": "http.response." in counting,
        **{name: limit[name] for name in ("period", "requests_per_period", "mitigation_timeout")},
        "characteristics": [name for name in limit["characteristics"] if name != LOCATION],
    }
