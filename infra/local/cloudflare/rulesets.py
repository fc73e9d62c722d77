"""A zone's rulesets: kept, read back, and where they are custom rules or rate limits, evaluated before the Workers.

Managed rulesets are Cloudflare's own and only kept; so are rules that rewrite.
"""

from collections.abc import Mapping
from typing import Any

from aiohttp import web

from infra.local.cloudflare.errors import invalid
from infra.local.cloudflare.firewall import CUSTOM, LOCATION, RATES
from infra.local.cloudflare.requests import body, now
from infra.local.cloudflare.rules import ExpressionError, parse
from infra.local.cloudflare.store import Record

_JUDGING = ("block", "challenge", "js_challenge", "log", "managed_challenge")
PHASES: Mapping[str, tuple[str, ...]] = {
    "ddos_l7": ("execute",),
    RATES: _JUDGING,
    CUSTOM: _JUDGING,
    "http_request_firewall_managed": ("execute",),
    "http_request_transform": ("rewrite",),
    "http_response_headers_transform": ("rewrite",),
}
"""Phase -> the actions its rules may take here."""
RULE_FIELDS = {"action", "action_parameters", "description", "enabled", "expression", "ratelimit", "ref"}
PERIODS = (10, 60, 120, 300, 600, 3600)
_WRONG = 20120


async def read_ruleset(request: web.Request) -> Record:
    """The ruleset a request describes. Raises `ApiError` naming what is wrong with it."""
    required = {"name": str, "kind": str, "phase": str}
    fields = await body(request, required, {"description": "", "rules": []})
    if fields["kind"] != "zone":
        raise invalid(f"kind: {fields['kind']!r} is not supported by the local API, only 'zone'", _WRONG)
    if fields["phase"] not in PHASES:
        raise invalid(f"phase: {fields['phase']!r} is not supported by the local API, only {', '.join(PHASES)}", _WRONG)
    if not isinstance(fields["rules"], list):
        raise invalid("rules: must be a list", _WRONG)
    rules = [_rule(f"rules[{index}]", rule, fields["phase"]) for index, rule in enumerate(fields["rules"])]
    refs = [rule["ref"] for rule in rules if "ref" in rule]
    if repeated := sorted({ref for ref in refs if refs.count(ref) > 1}):
        raise invalid(f"rules: ref {repeated[0]!r} is given twice", _WRONG)
    return {**fields, "rules": rules, "last_updated": now()}


def _rule(place: str, rule: Any, phase: str) -> Record:
    if not isinstance(rule, dict):
        raise invalid(f"{place}: must be a JSON object", _WRONG)
    if unknown := sorted(set(rule) - RULE_FIELDS):
        raise invalid(f"{place}.{unknown[0]}: not supported by the local API", _WRONG)
    if rule.get("action") not in PHASES[phase]:
        known = ", ".join(PHASES[phase])
        raise invalid(f"{place}.action: {rule.get('action')!r} is none of phase {phase}: {known}", _WRONG)
    _parse(f"{place}.expression", rule.get("expression"))
    if (phase == RATES) != ("ratelimit" in rule):
        raise invalid(f"{place}.ratelimit: is what every rule of phase {RATES} has, and no other", _WRONG)
    if phase == RATES:
        _require_limit(f"{place}.ratelimit", rule["ratelimit"])
    return {"enabled": True, **rule}


def _parse(place: str, expression: Any, response: bool = False) -> Any:
    if not isinstance(expression, str) or not expression:
        raise invalid(f"{place}: must be given", _WRONG)
    try:
        return parse(expression, response)
    except ExpressionError as error:
        raise invalid(f"{place}: {error}", _WRONG) from None


def _require_limit(place: str, limit: Any) -> None:
    counted = {"characteristics", "period", "requests_per_period", "mitigation_timeout"}
    if not isinstance(limit, dict) or not counted <= set(limit) <= counted | {
        "counting_expression",
        "requests_to_origin",
    }:
        raise invalid(f"{place}: needs {', '.join(sorted(counted))}", _WRONG)
    if limit["characteristics"] != [LOCATION, "ip.src"]:
        raise invalid(f"{place}.characteristics: only {LOCATION} and ip.src are supported by the local API", _WRONG)
    if limit["period"] not in PERIODS:
        raise invalid(f"{place}.period: {limit['period']!r} is none of {', '.join(map(str, PERIODS))} seconds", _WRONG)
    if "counting_expression" in limit:
        _parse(f"{place}.counting_expression", limit["counting_expression"], response=True)
