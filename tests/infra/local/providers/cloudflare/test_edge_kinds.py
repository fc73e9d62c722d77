"""The kinds around the Worker, against the local API: zone settings, tunnel, load balancer, Access, Logpush."""

import base64
from collections.abc import Callable
from typing import Any

import pytest

from infra.local.providers.base import ProviderError
from tests.infra.local.providers.cloudflare.test_kinds import (
    APPLICATION,
    BALANCER,
    CONFIG,
    LOGPUSH,
    MONITOR,
    POLICY,
    POOL,
    SETTING,
    TUNNEL,
    Account,
    account,
    call,
)

__all__ = ["account"]

TUNNEL_SECRET = base64.b64encode(bytes(32)).decode()
HSTS = {"enabled": True, "include_subdomains": True, "max_age": 31536000, "nosniff": True, "preload": False}
Inputs = dict[str, Any]


def tunnel(account: Account) -> Inputs:
    return {"accountId": account.name, "name": "sin", "configSrc": "cloudflare", "tunnelSecret": TUNNEL_SECRET}


def monitor(account: Account) -> Inputs:
    return {
        "accountId": account.name, "type": "https", "method": "GET", "path": "/readyz", "expectedCodes": "200",
        "interval": 60, "header": {"Host": ["sin.example.com"]}, "consecutiveDown": 2,
    }  # fmt: skip


def pool(account: Account) -> Inputs:
    watched = account.make(MONITOR, monitor(account))
    origins = [{"name": "sin", "address": "x.cfargotunnel.com", "header": {"hosts": ["sin.example.com"]}}]
    return {"accountId": account.name, "name": "sin", "origins": origins, "monitor": watched.id}


def balancer(account: Account) -> Inputs:
    made = account.make(POOL, pool(account))
    return {"zoneId": account.name, "name": "sin.example.com", "defaultPools": [made.id], "fallbackPool": made.id}


def policy(account: Account) -> Inputs:
    includes = [{"emailDomain": {"domain": "example.com"}}]
    return {"accountId": account.name, "name": "operators", "decision": "allow", "includes": includes}


def application(account: Account) -> Inputs:
    allowed = account.make(POLICY, policy(account))
    return {
        "accountId": account.name, "name": "console", "domain": "console.example.com", "type": "self_hosted",
        "policies": [{"id": allowed.id, "precedence": 1}], "sameSiteCookieAttribute": "strict",
    }  # fmt: skip


def account_logpush(account: Account) -> Inputs:
    return {
        **{name: value for name, value in logpush(account).items() if name != "zoneId"},
        "accountId": account.name, "name": "worker", "dataset": "workers_trace_events",
        "filter": '{"where":{"key":"ScriptName","operator":"eq","value":"edge"}}',
        "outputOptions": {"fieldNames": ["Logs"], "outputType": "ndjson"},
    }  # fmt: skip


def logpush(account: Account) -> Inputs:
    return {
        "zoneId": account.name, "name": "requests", "dataset": "http_requests", "destinationConf": "s3://logs/x?region=a",
        "ownershipChallenge": "c", "outputOptions": {"fieldNames": ["RayID"], "outputType": "ndjson"},
    }  # fmt: skip


CASES: list[tuple[str, Callable[[Account], Inputs], Inputs]] = [
    (TUNNEL, tunnel, {"name": "jkt"}),
    (MONITOR, monitor, {"interval": 30, "header": {"Host": ["jkt.example.com"]}}),
    (POOL, pool, {"minimumOrigins": 1, "enabled": False, "latitude": 1.35, "longitude": 103.82}),
    (BALANCER, balancer, {"proxied": True}),
    (POLICY, policy, {"includes": [{"emailDomain": {"domain": "example.net"}}]}),
    (APPLICATION, application, {"sessionDuration": "8h"}),
    (LOGPUSH, logpush, {"enabled": True}),
    (LOGPUSH, account_logpush, {"filter": ""}),
]


@pytest.mark.parametrize(("kind", "make", "change"), CASES, ids=[kind.rpartition(":")[2] for kind, _, _ in CASES])
def test_it_is_made_adopted_changed_and_deleted_and_its_drift_shows(
    account: Account, kind: str, make: Callable[[Account], Inputs], change: Inputs
) -> None:
    inputs = make(account)
    live = account.make(kind, inputs)
    assert account.declared(kind, live, inputs) == inputs
    assert account.make(kind, inputs).id == live.id, "one a killed engine made is adopted"
    account.update(kind, live, inputs, {**inputs, **change})
    assert account.declared(kind, live, {**inputs, **change}) == {**inputs, **change}
    drifted = account.declared(kind, live, inputs)
    assert drifted != inputs or not set(change) & set(inputs), "a change by another hand must show"
    account.delete(kind, live, inputs)
    assert account.declared(kind, live, inputs) is None


def test_an_application_says_what_its_tokens_are_for(account: Account) -> None:
    assert len(account.make(APPLICATION, application(account)).state["aud"]) == 64


def test_a_tunnels_secret_is_never_given_back(account: Account) -> None:
    live = account.make(TUNNEL, tunnel(account))
    assert TUNNEL_SECRET not in str(account.local.result(f"/accounts/{account.name}/cfd_tunnel"))
    assert TUNNEL_SECRET not in str(account.local.result(f"/accounts/{account.name}/cfd_tunnel/{live.id}"))


def test_what_connectors_are_told_goes_with_their_tunnel(account: Account) -> None:
    live = account.make(TUNNEL, tunnel(account))
    rules = [{"hostname": "sin.example.com", "service": "http://gateway", "originRequest": {"connectTimeout": 5}}]
    config = {"ingresses": [*rules, {"service": "http_status:404"}]}
    inputs = {"accountId": account.name, "tunnelId": live.id, "source": "cloudflare", "config": config}
    told = account.make(CONFIG, inputs)
    assert account.declared(CONFIG, told, inputs) == inputs
    other = {**inputs, "config": {"ingresses": [{"service": "http_status:404"}]}}
    account.update(CONFIG, told, inputs, other)
    assert account.declared(CONFIG, told, inputs) == other, "a change by another hand must show"
    with pytest.raises(ProviderError, match="the last rule, and no other, matches everything"):
        account.update(CONFIG, told, other, {**inputs, "config": {"ingresses": rules}})
    account.delete(TUNNEL, live, tunnel(account))
    assert account.declared(CONFIG, told, inputs) is None


@pytest.mark.parametrize(
    ("setting", "value", "other"),
    [("min_tls_version", "1.3", "1.2"), ("security_header", {"strict_transport_security": HSTS}, None)],
)
def test_a_zone_setting_is_set_and_its_drift_shows(account: Account, setting: str, value: Any, other: Any) -> None:
    inputs = {"zoneId": account.name, "settingId": setting, "value": value}
    live = account.make(SETTING, inputs)
    assert live.id == setting
    assert account.declared(SETTING, live, inputs) == inputs
    if other:
        changed = {**inputs, "value": other}
        account.update(SETTING, live, inputs, changed)
        assert account.declared(SETTING, live, inputs) == changed


def test_a_setting_nobody_changed_is_as_a_new_zone_has_it(account: Account) -> None:
    found = account.provider.kind(SETTING).read(call(SETTING, id=f"{account.name}/min_tls_version"), {}, {})
    assert found is not None
    assert found.inputs == {"zoneId": account.name, "settingId": "min_tls_version", "value": "1.0"}


@pytest.mark.parametrize(
    ("kind", "make", "wrong", "message"),
    [
        (TUNNEL, tunnel, {"tunnelSecret": "c2hvcnQ="}, "tunnel_secret: must be 32 bytes at least"),
        (TUNNEL, tunnel, {"configSrc": "remote"}, "config_src: 'remote'"),
        (MONITOR, monitor, {"interval": 1}, "interval: 1 must be 5 to 3600"),
        (MONITOR, monitor, {"type": "icmp_ping"}, "type: 'icmp_ping'"),
        (POOL, pool, {"monitor": "0"}, "there is no monitor 0"),
        (POOL, pool, {"origins": [{"name": "a"}]}, "each needs an address"),
        (BALANCER, balancer, {"fallbackPool": "0"}, "there is no pool 0"),
        (BALANCER, balancer, {"steeringPolicy": "nearest"}, "steering_policy: 'nearest'"),
        (POOL, pool, {"latitude": 1.35}, "goes with longitude"),
        (LOGPUSH, account_logpush, {"dataset": "http_requests"}, "not supported here"),
        (POLICY, policy, {"decision": "perhaps"}, "decision: 'perhaps'"),
        (POLICY, policy, {"includes": []}, "include: must name somebody"),
        (APPLICATION, application, {"policies": [{"id": "0"}]}, "there is no policy 0"),
        (APPLICATION, application, {"sessionDuration": "a day"}, "'a day' is no duration"),
        (LOGPUSH, logpush, {"dataset": "prompts"}, "dataset: 'prompts'"),
        (LOGPUSH, logpush, {"outputOptions": {}}, "field_names: must name fields"),
        (SETTING, lambda account: {"zoneId": account.name}, {"settingId": "tls", "value": "on"}, "zone setting tls"),
        (
            SETTING,
            lambda account: {"zoneId": account.name},
            {"settingId": "min_tls_version", "value": "1.4"},
            "'1.4' is none of",
        ),
        (
            SETTING,
            lambda account: {"zoneId": account.name, "settingId": "security_header"},
            {"value": {"strict_transport_security": {**HSTS, "max_age": -1}}},
            "max_age -1",
        ),
    ],
)
def test_what_cloudflare_would_refuse_is_refused(
    account: Account, kind: str, make: Callable[[Account], Inputs], wrong: Inputs, message: str
) -> None:
    with pytest.raises(ProviderError, match=message):
        account.make(kind, {**make(account), **wrong})
