"""What the Worker reads: keyed hashes and routes, never a key."""

import json

import pytest
from pydantic import ValidationError

from components.edge.limits import KeyLimitsSpec, LimitsSpec
from components.edge.manifests import (
    build_credential_records,
    build_key_records,
    build_limit_bindings,
    build_migrations,
    build_routes,
    build_tenant_records,
)
from components.edge.spec import ApiKeySpec, EdgeSpec, RegionSpec, RouteSpec
from components.labels import AgentId, Region, TenantId
from runtime.contract import rates
from runtime.contract.edge import certificate_key, issuer_key
from tests.components.specs import ACME, EDGE, GLOBEX, SIN


def test_a_key_record_says_whose_it_is() -> None:
    record, narrowed = build_key_records(EDGE)
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
    records = {record.key: json.loads(record.value) for record in build_credential_records(EDGE)}
    assert records == {
        issuer_key("https://login.acme.example"): {
            "tenant": "acme",
            "key": "login",
            "issuer": "https://login.acme.example",
            "jwks": "https://login.acme.example/jwks.json",
            "algorithm": "RS256",
            "audience": "moltghost",
            "scope_claim": "scope",
        },
        certificate_key("A5" * 20, "vpc.acme.example"): {
            "tenant": "acme",
            "key": "vpc",
            "agents": ["*"],
            "methods": ["chat"],
        },
    }


@pytest.mark.parametrize("kind", ["issuers", "certificates"])
def test_two_tenants_of_one_issuer_or_certificate_are_refused(kind: str) -> None:
    (one,) = getattr(EDGE, kind)
    other = one.model_copy(update={"tenant": GLOBEX})
    with pytest.raises(ValueError, match="the same issuer or certificate"):
        build_credential_records(EDGE.model_copy(update={kind: (one, other)}))


def test_the_table_says_where_each_agent_lives_and_how_each_region_is_reached() -> None:
    records = {record.key: json.loads(record.value) for record in build_routes(EDGE)}
    assert records["region:sin"] == {"origin": "http://127.0.0.1:20013", "near": ["SIN", "AS"], "state": "open"}
    assert records["region:jkt"] == {"origin": "https://gateway.jkt.example.com", "near": ["CGK"], "state": "open"}
    assert records["acme/helper"] == {"regions": ["sin", "jkt"], "model": "tiny", "state": "open"}


def test_an_agent_and_a_region_can_be_closed() -> None:
    closed = EdgeSpec.model_validate(
        {
            **EDGE.model_dump(),
            "regions": {SIN: RegionSpec(origin="https://sin.example.com", state="closed")},
            "routes": (RouteSpec(tenant=ACME, agent=AgentId("helper"), regions=(SIN,), state="closed"),),
        }
    )
    states = [json.loads(record.value)["state"] for record in build_routes(closed)]
    assert states == ["closed", "closed"]


def test_tenants_whose_names_run_together_keep_their_own_records() -> None:
    routes = tuple(
        RouteSpec(tenant=TenantId(tenant), agent=AgentId(agent), regions=(SIN,))
        for tenant, agent in (("a-b", "c"), ("a", "b-c"))
    )
    records = build_routes(EDGE.model_copy(update={"routes": routes}))
    assert len({record.name for record in records}) == len({record.key for record in records}) == 4


@pytest.mark.parametrize(
    ("regions", "says"),
    [(("us",), "acme/helper names us: no such region"), ((SIN, SIN), "names a region twice"), ((), "regions")],
)
def test_a_route_leads_to_regions_there_are_each_once(regions: tuple[Region, ...], says: str) -> None:
    route = {"tenant": ACME, "agent": AgentId("helper"), "regions": regions}
    with pytest.raises(ValidationError, match=says):
        EdgeSpec.model_validate({**EDGE.model_dump(), "routes": (route,)})


@pytest.mark.parametrize("near", ["sin", "Asia", "S", "", "SI-"])
def test_a_place_is_a_colo_or_a_continent(near: str) -> None:
    with pytest.raises(ValidationError, match="near"):
        RegionSpec(origin="https://sin.example.com", near=(near,))


def test_two_keys_of_one_hash_are_refused() -> None:
    keys = tuple(ApiKeySpec(tenant=ACME, id=name, hash="a" * 64) for name in ("one", "two"))
    with pytest.raises(ValueError, match="the same hash"):
        build_key_records(EDGE.model_copy(update={"api_keys": keys}))


def test_a_key_itself_is_no_hash() -> None:
    with pytest.raises(ValidationError, match="hash"):
        ApiKeySpec(tenant=ACME, id="default", hash="mg_acme_0123456789abcdefghij")


def test_a_tenants_record_holds_its_limits() -> None:
    record, *_ = build_tenant_records(EDGE)
    assert record.key == ACME
    assert json.loads(record.value)["limits"] == LimitsSpec().record()


def test_the_walls_are_the_contracts_and_count_each_for_itself() -> None:
    limiter, *walls = build_limit_bindings(EDGE)
    assert limiter == {"name": "LIMITER", "type": "durable_object_namespace", "class_name": "Limiter"}
    assert [(wall["name"], wall["simple"]["limit"]) for wall in walls] == list(rates.WALLS)
    other = build_limit_bindings(EDGE.model_copy(update={"script_name": "platform-fra-edge"}))
    namespaces = [each["namespace_id"] for each in (*walls, *other[1:])]
    assert len(set(namespaces)) == len(namespaces)
    assert all(0 < int(namespace) < 2**31 for namespace in namespaces)


def test_the_limiters_class_is_made_with_sqlite() -> None:
    assert build_migrations() == {"new_tag": "objects-1", "new_sqlite_classes": ["Limiter", "HookLedger", "HookOutbox"]}


@pytest.mark.parametrize(
    "limits", [{"per_minute": 99}, {"per_minute": 10_001}, {"burst": 0}, {"streams": 0}, {"tokens_month": 0}]
)
def test_limits_out_of_range_are_refused(limits: dict[str, int]) -> None:
    with pytest.raises(ValidationError, match=next(iter(limits))):
        LimitsSpec(**limits)


def test_a_keys_own_limits_stand_in_its_record() -> None:
    key = EDGE.api_keys[0].model_copy(update={"limits": KeyLimitsSpec(per_minute=100)})
    (record,) = build_key_records(EDGE.model_copy(update={"api_keys": (key,)}))
    assert json.loads(record.value)["limits"] == {"per_minute": 100}


def test_the_script_is_left_out_of_what_is_printed() -> None:
    assert EDGE.script not in repr(EDGE)
