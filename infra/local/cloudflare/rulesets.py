"""A zone's rulesets: kept and read back, not evaluated; requests on this machine pass no firewall of Cloudflare's."""

from typing import Any

from aiohttp import web

from infra.local.cloudflare.errors import invalid
from infra.local.cloudflare.requests import body, now
from infra.local.cloudflare.store import Record

ACTIONS = ("allow", "block", "challenge", "execute", "js_challenge", "log", "managed_challenge", "rewrite", "skip")
PHASES = (
    "http_ratelimit",
    "http_request_firewall_custom",
    "http_request_firewall_managed",
    "http_request_transform",
    "http_response_headers_transform",
)
RULE_FIELDS = {"action", "action_parameters", "description", "enabled", "expression", "ratelimit", "ref"}


async def read_ruleset(request: web.Request) -> Record:
    """The ruleset a request describes. Raises `ApiError` naming what is wrong with it."""
    required = {"name": str, "kind": str, "phase": str}
    fields = await body(request, required, {"description": "", "rules": []})
    if fields["kind"] != "zone":
        raise invalid(f"kind: {fields['kind']!r} is not supported by the local API, only 'zone'", 20120)
    if fields["phase"] not in PHASES:
        raise invalid(f"phase: {fields['phase']!r} is not supported by the local API, only {', '.join(PHASES)}", 20120)
    if not isinstance(fields["rules"], list):
        raise invalid("rules: must be a list", 20120)
    rules = [_rule(index, rule) for index, rule in enumerate(fields["rules"])]
    return {**fields, "rules": rules, "last_updated": now()}


def _rule(index: int, rule: Any) -> Record:
    if not isinstance(rule, dict):
        raise invalid(f"rules[{index}]: must be a JSON object", 20120)
    if unknown := sorted(set(rule) - RULE_FIELDS):
        raise invalid(f"rules[{index}].{unknown[0]}: not supported by the local API", 20120)
    if rule.get("action") not in ACTIONS:
        raise invalid(f"rules[{index}].action: {rule.get('action')!r} is none of {', '.join(ACTIONS)}", 20120)
    if not isinstance(rule.get("expression"), str) or not rule["expression"]:
        raise invalid(f"rules[{index}].expression: must be given", 20120)
    return {"enabled": True, **rule}
