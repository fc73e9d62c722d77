"""The zone's rulesets: complete, in one order, and each rule by a name that lasts."""

import json
from typing import Any

import pytest
from pydantic import ValidationError

from components.edge.firewall import HTTP_DDOS, OWASP_CORE, OWASP_SCORE_RULE, build_rulesets
from components.edge.operations_spec import LOG_FIELDS, LogsSpec
from components.edge.origin_spec import connector_token
from components.edge.zone_spec import SETTINGS, FirewallSpec
from infra.local.cloudflare.rules import parse
from tests.components.specs import LOGS, ZONE

RULESETS = {ruleset.role: ruleset for ruleset in build_rulesets(ZONE)}
RULES: list[tuple[str, dict[str, Any]]] = [(role, rule) for role, one in RULESETS.items() for rule in one.rules]


def test_a_request_meets_the_phases_in_this_order() -> None:
    assert [(one.role, one.phase) for one in RULESETS.values()] == [
        ("ddos", "ddos_l7"),
        ("custom", "http_request_firewall_custom"),
        ("rates", "http_ratelimit"),
        ("managed", "http_request_firewall_managed"),
    ]


@pytest.mark.parametrize(("role", "rule"), RULES, ids=lambda value: value["ref"] if isinstance(value, dict) else value)
def test_a_rule_says_everything_the_api_would_fill_in(role: str, rule: dict[str, Any]) -> None:
    assert {"ref", "enabled", "description", "expression", "action"} <= set(rule)
    assert rule["enabled"] is True
    assert "action_parameters" not in rule or rule["action_parameters"]
    if role == "rates":
        assert {"counting_expression", "requests_to_origin", "mitigation_timeout"} <= set(rule["ratelimit"])


@pytest.mark.parametrize(("role", "rule"), RULES, ids=lambda value: value["ref"] if isinstance(value, dict) else value)
def test_an_expression_is_one_cloudflare_would_take(role: str, rule: dict[str, Any]) -> None:
    assert parse(rule["expression"])
    if role == "rates":
        assert parse(rule["ratelimit"]["counting_expression"], response=True)


def test_no_two_rules_of_a_phase_have_one_ref() -> None:
    for ruleset in RULESETS.values():
        refs = [rule["ref"] for rule in ruleset.rules]
        assert len(set(refs)) == len(refs)


def test_building_twice_gives_the_same() -> None:
    assert build_rulesets(ZONE) == build_rulesets(ZONE.model_copy())


def test_a_refusal_answers_as_the_worker_would() -> None:
    for rule in (*RULESETS["custom"].rules, *RULESETS["rates"].rules):
        if rule["action"] == "block":
            response = rule["action_parameters"]["response"]
            assert 400 <= response["status_code"] < 500
            assert set(json.loads(response["content"])["error"]) == {"message", "type", "param", "code"}


def test_no_rule_of_the_apis_touches_another_host_of_the_zone() -> None:
    for role in ("custom", "rates"):
        for rule in RULESETS[role].rules:
            assert rule["expression"].startswith(("http.host eq ", "http.host in "))


def test_owasp_refuses_from_its_threshold_on_and_looks_no_closer_than_told() -> None:
    spec = ZONE.model_copy(
        update={"firewall": ZONE.firewall.model_copy(update={"owasp_threshold": 25, "paranoia_level": 3})}
    )
    owasp = next(rule for one in build_rulesets(spec) for rule in one.rules if rule["ref"] == "owasp")
    assert owasp["action_parameters"]["id"] == OWASP_CORE
    overrides = owasp["action_parameters"]["overrides"]
    assert overrides["rules"] == [{"id": OWASP_SCORE_RULE, "action": "block", "enabled": True, "score_threshold": 25}]
    assert overrides["categories"] == [{"category": "paranoia-level-4", "enabled": False}]


def test_prompts_are_seen_by_managed_rules_and_refused_by_none() -> None:
    prompts, managed, owasp = RULESETS["managed"].rules
    assert prompts["action_parameters"]["overrides"] == {"action": "log"}
    assert managed["expression"] == owasp["expression"] == f"not ({prompts['expression']})"


def test_ddos_protection_blocks_and_never_asks_an_api_client_to_solve_a_puzzle() -> None:
    (ddos,) = RULESETS["ddos"].rules
    assert ddos["action_parameters"] == {
        "id": HTTP_DDOS,
        "overrides": {"action": "block", "sensitivity_level": "default"},
    }


def test_where_there_is_no_console_and_no_tunnel_there_are_no_rules_for_them() -> None:
    bare = build_rulesets(ZONE.model_copy(update={"console": None, "origins": ()}))
    refs = [rule["ref"] for ruleset in bare for rule in ruleset.rules]
    assert not any(ref.startswith(("console", "origin")) for ref in refs)


@pytest.mark.parametrize(
    "wrong",
    [
        {"owasp_threshold": 30},
        {"paranoia_level": 0},
        {"paranoia_level": 5},
        {"requests_per_minute": 9_999},
        {"failures_per_minute": 9},
        {"owasp_treshold": 40},
    ],
)
def test_amounts_out_of_range_make_no_firewall(wrong: dict[str, int]) -> None:
    with pytest.raises(ValidationError, match=next(iter(wrong))):
        FirewallSpec(**{**ZONE.firewall.model_dump(), **wrong})


def test_the_zone_speaks_tls_1_3_without_early_data_and_says_so_for_a_year() -> None:
    assert SETTINGS["min_tls_version"] == "1.3"
    assert SETTINGS["0rtt"] == "off"
    assert SETTINGS["always_use_https"] == "on"
    hsts = SETTINGS["security_header"]["strict_transport_security"]
    assert hsts["enabled"]
    assert hsts["include_subdomains"]
    assert hsts["max_age"] >= 31_536_000


def test_no_field_of_the_log_holds_what_a_client_said() -> None:
    telling = ("Body", "Cookie", "Headers", "Query", "Referer", "URI", "UserAgent")
    assert not [name for name in LOG_FIELDS for part in telling if part in name]
    assert list(LOG_FIELDS) == sorted(LOG_FIELDS)


@pytest.mark.parametrize("destination", ["https://logs.example.com", "s3://logs", "s3://logs/x?access-key-id=AKIA"])
def test_a_destination_with_credentials_in_it_is_none(destination: str) -> None:
    for field in ("requests", "worker"):
        with pytest.raises(ValidationError, match=field):
            LogsSpec.model_validate({**LOGS.model_dump(), field: destination})


def test_a_connector_token_is_what_cloudflared_reads() -> None:
    assert connector_token("a", "t", "s") == "eyJhIjoiYSIsInQiOiJ0IiwicyI6InMifQ=="
