"""What the Worker reads of one tenant: keyed hashes, routes and hooks, never a key or a secret."""

import json
from typing import Any

import pytest
from pydantic import ValidationError

from components.edge.kv import KvRecord
from components.edge.limits import KeyLimitsSpec, LimitsSpec
from components.edge.tenant_edge_manifests import (
    build_credential_records,
    build_hook_records,
    build_key_records,
    build_origin_records,
    build_records,
    build_route_records,
    build_tenant_record,
)
from components.edge.tenant_edge_spec import ApiKeySpec, HookSpec, RouteSpec, TenantEdgeSpec
from components.labels import AgentId, Region, TenantId
from runtime.contract import edge
from runtime.contract.hooks import hook_secret
from tests.components.specs import ACME, GLOBEX, SIN, TENANT_EDGE


def changed(**fields: Any) -> TenantEdgeSpec:
    """The good spec with other fields, checked."""
    return TenantEdgeSpec.model_validate({**dict(TENANT_EDGE), **fields})


def all_records(spec: TenantEdgeSpec) -> list[KvRecord]:
    return [record for records in build_records(spec).values() for record in records]


def test_a_key_record_says_whose_it_is() -> None:
    record, narrowed = build_key_records(TENANT_EDGE)
    assert (record.key, narrowed.key) == ("a" * 64, "b" * 64)
    assert json.loads(record.value) == {"tenant": "acme", "key": "default", "agents": ["*"]}
    assert json.loads(narrowed.value) == {
        "tenant": "acme",
        "key": "ci",
        "agents": ["helper"],
        "models": ["tiny"],
        "methods": ["chat", "models"],
        "expires": 1_900_000_000,
        "cidrs": ["203.0.113.0/24", "2001:db8::/32"],
    }


def test_an_issuer_and_a_certificate_lead_to_their_tenant() -> None:
    records = {record.key: json.loads(record.value) for record in build_credential_records(TENANT_EDGE)}
    assert records == {
        edge.issuer_key("https://login.acme.example"): {
            "tenant": "acme",
            "key": "login",
            "issuer": "https://login.acme.example",
            "jwks": "https://login.acme.example/jwks.json",
            "algorithm": "RS256",
            "audience": "moltghost",
            "scope_claim": "scope",
        },
        edge.certificate_key("A5" * 20, "vpc.acme.example"): {
            "tenant": "acme",
            "key": "vpc",
            "agents": ["*"],
            "methods": ["chat"],
        },
    }


def test_the_table_says_where_each_agent_lives_and_can_close_it() -> None:
    (record,) = build_route_records(TENANT_EDGE)
    assert (record.key, json.loads(record.value)) == (
        "acme/helper",
        {"regions": ["sin", "jkt"], "model": "tiny", "state": "open"},
    )
    (closed,) = build_route_records(
        changed(routes=(RouteSpec(agent=AgentId("helper"), regions=(SIN,), state="closed"),))
    )
    assert json.loads(closed.value) == {"regions": ["sin"], "state": "closed"}


def test_tenants_whose_names_run_together_keep_their_own_records() -> None:
    records = [
        record
        for tenant, agent in (("a-b", "c"), ("a", "b-c"))
        for record in build_route_records(
            changed(tenant=TenantId(tenant), routes=(RouteSpec(agent=AgentId(agent), regions=(SIN,)),))
        )
    ]
    assert len({record.name for record in records}) == len({record.key for record in records}) == 2


@pytest.mark.parametrize(("regions", "says"), [((SIN, SIN), "names a region twice"), ((), "regions")])
def test_a_route_leads_to_regions_each_once(regions: tuple[Region, ...], says: str) -> None:
    with pytest.raises(ValidationError, match=says):
        RouteSpec(agent=AgentId("helper"), regions=regions)


@pytest.mark.parametrize("field", ["routes", "api_keys", "certificates", "issuers", "hooks", "origins"])
def test_two_entries_that_would_be_one_record_are_refused(field: str) -> None:
    (one, *_) = getattr(TENANT_EDGE, field)
    other = one if isinstance(one, str) or field in ("routes", "hooks") else one.model_copy(update={"id": "other"})
    with pytest.raises(ValidationError, match=f"{field}: two entries have the same"):
        changed(**{field: (one, other)})


def test_a_key_itself_is_no_hash() -> None:
    with pytest.raises(ValidationError, match="hash"):
        ApiKeySpec(id="default", hash="mg_acme_0123456789abcdefghij")


def test_a_keys_own_limits_stand_in_its_record() -> None:
    key = TENANT_EDGE.api_keys[0].model_copy(update={"limits": KeyLimitsSpec(per_minute=100)})
    (record,) = build_key_records(changed(api_keys=(key,)))
    assert json.loads(record.value)["limits"] == {"per_minute": 100}


def test_a_tenants_record_holds_its_limits_and_its_origins() -> None:
    record = build_tenant_record(TENANT_EDGE)
    assert record.key == ACME
    assert json.loads(record.value) == {
        "limits": LimitsSpec().record(),
        "origins": ["http://localhost:3000", "https://app.acme.example"],
    }


@pytest.mark.parametrize(
    "limits", [{"per_minute": 99}, {"per_minute": 10_001}, {"burst": 0}, {"streams": 0}, {"tokens_month": 0}]
)
def test_limits_out_of_range_are_refused(limits: dict[str, int]) -> None:
    with pytest.raises(ValidationError, match=next(iter(limits))):
        LimitsSpec(**limits)


def test_tenants_of_one_origin_have_a_record_each_under_the_origins_prefix() -> None:
    shared = "https://app.example.com"
    acme, globex = (build_origin_records(changed(tenant=tenant, origins=(shared,)))[0] for tenant in (ACME, GLOBEX))
    assert (acme.key, globex.key) == (f"origin:{shared}/acme", f"origin:{shared}/globex")
    assert acme.name != globex.name


@pytest.mark.parametrize("other", ["https://app.example.com:8443", "https://app.example.com.evil.example"])
def test_an_origins_prefix_begins_no_other_origins_key(other: str) -> None:
    assert not edge.origin_key(other, "acme").startswith(edge.origin_prefix("https://app.example.com"))


@pytest.mark.parametrize(
    "origin", ["*", "null", "https://app.acme.example/", "https://*.acme.example", "app.acme.example"]
)
def test_only_an_origin_as_browsers_write_it_is_taken(origin: str) -> None:
    with pytest.raises(ValidationError, match="origins"):
        changed(origins=(origin,))


def test_a_hook_says_whose_it_is_and_no_secret() -> None:
    (record,) = build_hook_records(TENANT_EDGE)
    assert record.key == "hook:crm"
    assert json.loads(record.value) == {"tenant": "acme", "agent": "helper", "versions": [1]}
    assert hook_secret("a pepper", "acme", "crm", 1) not in record.value


def test_a_hook_says_where_answers_go_if_anywhere() -> None:
    later = TENANT_EDGE.hooks[0].model_copy(update={"deliver_to": "https://crm.example.com/answers"})
    (record,) = build_hook_records(changed(hooks=(later,)))
    assert json.loads(record.value)["deliver_to"] == "https://crm.example.com/answers"


@pytest.mark.parametrize("versions", [(), (0,), (1, 2, 3)])
def test_one_secret_is_live_or_two(versions: tuple[int, ...]) -> None:
    with pytest.raises(ValidationError, match="versions"):
        HookSpec(id="crm", agent=AgentId("helper"), versions=versions)


def test_no_two_of_a_tenants_records_share_a_name_or_a_key() -> None:
    records = all_records(TENANT_EDGE)
    assert len(records) == 9
    assert len({record.name for record in records}) == len({record.key for record in records}) == len(records)
