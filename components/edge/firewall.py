"""The zone's rulesets, one a phase.

Users of the provider know rulesets that differ in every preview. What differs are the fields the API fills in where
they are not given: `ref` and `enabled` of a rule, `counting_expression` and `requests_to_origin` of a rate limit. So
every rule here gives all of them, and a rule's `ref` is its name for good: the API tells a moved rule from a new one
by it.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from components.edge import refusals
from components.edge.refusals import Rule
from components.edge.rules import Condition, all_of, any_of, expression, number, text
from components.edge.zone_spec import ZoneSpec
from runtime.contract import paths

CLOUDFLARE_MANAGED = "efb7b8c949ac4650a09736fc376e9aee"
OWASP_CORE = "4814384a9e5d4991b9815dcfc25d2f1f"
OWASP_SCORE_RULE = "6179ae15870a4bb7b2d480d4843b323c"
"""The OWASP ruleset's last rule (949110): it refuses what has scored too much."""
HTTP_DDOS = "4d21379b4f9f4bb088e0729962c8b3cf"
"""Ids of Cloudflare's managed rulesets, the same in every account:
https://developers.cloudflare.com/waf/managed-rules/ and https://developers.cloudflare.com/ddos-protection/managed-rulesets/http/
"""

_MINUTE_S = 60
_LOCATION = "cf.colo.id"
"""Mandatory among a rate limit's characteristics: every edge location counts for itself."""
_HIGHEST_PARANOIA = 4
_EVERYTHING = "true"


@dataclass(frozen=True)
class Ruleset:
    """One phase's rules, in the order they are asked; `role` is what its resource is called after."""

    role: str
    phase: str
    description: str
    rules: Sequence[Any]


def build_rulesets(spec: ZoneSpec) -> list[Ruleset]:
    """All of them, in the order a request meets them. Raises RuleError if a rule can't be said."""
    return [
        Ruleset("ddos", "ddos_l7", "How Cloudflare's DDoS protection answers.", _ddos()),
        Ruleset(
            "custom",
            "http_request_firewall_custom",
            "What the platform never answers.",
            [rule.body() for rule in refusals.build_refusals(spec)],
        ),
        Ruleset("rates", "http_ratelimit", "Floods, and guessed keys.", _rates(spec)),
        Ruleset("managed", "http_request_firewall_managed", "Cloudflare's and OWASP's rules.", _managed(spec)),
    ]


def _rates(spec: ZoneSpec) -> list[dict[str, Any]]:
    host = text("http.host").eq(spec.hostname)
    failed = all_of(host, number("http.response.code").eq(refusals.UNAUTHORIZED))
    firewall = spec.firewall
    return [
        _rate("api-failures", "Keys are being guessed.", host, failed, firewall.failures_per_minute, 10 * _MINUTE_S),
        _rate("api-flood", "More than all of a tenant may ask.", host, host, firewall.requests_per_minute, _MINUTE_S),
    ]


def _rate(
    ref: str, description: str, match: Condition, counted: Condition, per_minute: int, pause_s: int
) -> dict[str, Any]:
    limit = {
        "characteristics": [_LOCATION, "ip.src"],
        "counting_expression": expression(counted),
        "mitigation_timeout": pause_s,
        "period": _MINUTE_S,
        "requests_per_period": per_minute,
        "requests_to_origin": False,
    }
    return {**Rule(ref, description, match, refusals.TOO_MANY).body(), "ratelimit": limit}


def _managed(spec: ZoneSpec) -> list[dict[str, Any]]:
    """A prompt may speak of attacks: what only looks into bodies refuses none that holds one, and logs it instead."""
    prompts = _prompts(spec)
    logged = {"action": "log"}
    return [
        _execute("managed-prompts", "Prompts: seen, never refused.", expression(prompts), CLOUDFLARE_MANAGED, logged),
        _execute("managed", "Cloudflare's managed ruleset.", expression(~prompts), CLOUDFLARE_MANAGED, None),
        _execute("owasp", "OWASP's core ruleset.", expression(~prompts), OWASP_CORE, _owasp(spec)),
    ]


def _prompts(spec: ZoneSpec) -> Condition:
    path = text("http.request.uri.path")
    return all_of(
        text("http.host").eq(spec.hostname),
        text("http.request.method").eq("POST"),
        any_of(
            path.is_in(paths.CHAT, paths.CHAT_COMPLETIONS, paths.RESPONSES),
            path.starts_with(f"{paths.CHAT}/"),
            path.starts_with(f"{paths.HOOKS}/"),
        ),
    )


def _owasp(spec: ZoneSpec) -> dict[str, Any]:
    beyond = range(spec.firewall.paranoia_level + 1, _HIGHEST_PARANOIA + 1)
    score = {
        "id": OWASP_SCORE_RULE,
        "action": "block",
        "enabled": True,
        "score_threshold": spec.firewall.owasp_threshold,
    }
    off = [{"category": f"paranoia-level-{level}", "enabled": False} for level in beyond]
    return {"rules": [score], **({"categories": off} if off else {})}


def _ddos() -> list[dict[str, Any]]:
    """Block, never challenge: no client of an API can solve a puzzle."""
    overrides = {"action": "block", "sensitivity_level": "default"}
    return [_execute("ddos", "Refused outright, at Cloudflare's own sensitivity.", _EVERYTHING, HTTP_DDOS, overrides)]


def _execute(
    ref: str, description: str, matched: str, ruleset: str, overrides: dict[str, Any] | None
) -> dict[str, Any]:
    parameters = {"id": ruleset, **({"overrides": overrides} if overrides else {})}
    return {
        "ref": ref,
        "description": description,
        "enabled": True,
        "expression": matched,
        "action": "execute",
        "action_parameters": parameters,
    }
