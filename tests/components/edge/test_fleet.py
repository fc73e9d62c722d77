"""What no tenant's own stack can see: that another writes the same record, or that a region is not there."""

import pytest

from components.edge.fleet import SharedKey, shared_keys, unknown_regions
from components.edge.tenant_edge_spec import TenantEdgeSpec
from runtime.contract import edge
from tests.components.specs import ACME, GLOBEX, JKT, SIN, TENANT_EDGE

OTHER = TenantEdgeSpec(tenant=GLOBEX, region=SIN, account_id="0" * 32, origins=TENANT_EDGE.origins)


def test_tenants_that_share_an_origin_alone_are_apart() -> None:
    assert shared_keys([TENANT_EDGE, OTHER]) == []


@pytest.mark.parametrize(
    ("field", "binding", "key"),
    [
        ("api_keys", edge.BINDING_KEYS, "a" * 64),
        ("issuers", edge.BINDING_TENANTS, edge.issuer_key("https://login.acme.example")),
        ("certificates", edge.BINDING_TENANTS, edge.certificate_key("A5" * 20, "vpc.acme.example")),
        ("hooks", edge.BINDING_TENANTS, "hook:crm"),
    ],
)
def test_what_two_tenants_both_write_is_found(field: str, binding: str, key: str) -> None:
    other = OTHER.model_copy(update={field: getattr(TENANT_EDGE, field)[:1]})
    assert shared_keys([TENANT_EDGE, other]) == [SharedKey(binding, key, (ACME, GLOBEX))]


def test_a_tenant_that_is_there_twice_is_found() -> None:
    assert {shared.tenants for shared in shared_keys([TENANT_EDGE, TENANT_EDGE])} == {(ACME, ACME)}


def test_a_route_to_a_region_the_edge_does_not_know_is_found() -> None:
    assert unknown_regions(TENANT_EDGE, {SIN, JKT}) == {}
    assert unknown_regions(TENANT_EDGE, {SIN}) == {"helper": (JKT,)}
