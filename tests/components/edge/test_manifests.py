"""What the Worker reads: keyed hashes and routes, never a key."""

import json

import pytest
from pydantic import ValidationError

from components.edge.limits import KeyLimitsSpec, LimitsSpec
from components.edge.manifests import (
    build_key_records,
    build_limit_bindings,
    build_migrations,
    build_routes,
    build_tenant_records,
)
from components.edge.spec import ApiKeySpec, RouteSpec
from components.labels import AgentId, TenantId
from runtime.contract import rates
from tests.components.specs import ACME, EDGE, SIN


def test_a_key_record_says_whose_it_is() -> None:
    (record,) = build_key_records(EDGE)
    assert record.key == "a" * 64
    assert json.loads(record.value) == {"tenant": "acme", "key": "default", "agents": ["*"]}


def test_every_agent_has_a_route_to_a_region_that_has_an_origin() -> None:
    records = {record.key: json.loads(record.value) for record in build_routes(EDGE)}
    assert records["region:sin"] == {"origin": "http://127.0.0.1:20013"}
    assert records["acme/helper"] == {"region": "sin"}


def test_tenants_whose_names_run_together_keep_their_own_records() -> None:
    routes = tuple(
        RouteSpec(tenant=TenantId(tenant), agent=AgentId(agent), region=SIN)
        for tenant, agent in (("a-b", "c"), ("a", "b-c"))
    )
    records = build_routes(EDGE.model_copy(update={"routes": routes}))
    assert len({record.name for record in records}) == len({record.key for record in records}) == 3


def test_two_keys_of_one_hash_are_refused() -> None:
    keys = tuple(ApiKeySpec(tenant=ACME, id=name, hash="a" * 64) for name in ("one", "two"))
    with pytest.raises(ValueError, match="the same hash"):
        build_key_records(EDGE.model_copy(update={"api_keys": keys}))


def test_a_key_itself_is_no_hash() -> None:
    with pytest.raises(ValidationError, match="hash"):
        ApiKeySpec(tenant=ACME, id="default", hash="mg_acme_0123456789abcdefghij")


def test_a_tenants_record_holds_its_limits() -> None:
    (record,) = build_tenant_records(EDGE)
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
    assert build_migrations() == {"new_tag": "limiter-1", "new_sqlite_classes": ["Limiter"]}


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
