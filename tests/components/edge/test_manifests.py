"""What the Worker reads: keyed hashes and routes, never a key."""

import json

import pytest
from pydantic import ValidationError

from components.edge.manifests import build_key_records, build_routes, build_tenant_records
from components.edge.spec import ApiKeySpec, RouteSpec
from components.labels import AgentId, TenantId
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
    records = {record.key: json.loads(record.value) for record in build_tenant_records(EDGE)}
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
        build_tenant_records(EDGE.model_copy(update={kind: (one, other)}))


def test_every_agent_has_a_route_to_a_region_that_has_an_origin() -> None:
    records = {record.key: json.loads(record.value) for record in build_routes(EDGE)}
    assert records["region:sin"] == {"origin": "http://127.0.0.1:20013"}
    assert records["acme/helper"] == {"region": "sin", "model": "tiny"}


def test_tenants_whose_names_run_together_keep_their_own_records() -> None:
    routes = tuple(
        RouteSpec(tenant=TenantId(tenant), agent=AgentId(agent), region=SIN, model="tiny")
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
