"""What the Worker reads: keyed hashes and routes, never a key."""

import json

import pytest
from pydantic import ValidationError

from components.edge.manifests import build_key_records, build_routes
from components.edge.spec import ApiKeySpec, RouteSpec
from components.labels import AgentId, TenantId
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


def test_the_script_is_left_out_of_what_is_printed() -> None:
    assert EDGE.script not in repr(EDGE)
