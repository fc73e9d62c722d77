"""What the Worker knows of tenants: which pages may use whose keys."""

import json

import pytest
from pydantic import ValidationError

from components.edge.manifests import build_tenant_records
from components.edge.spec import EdgeTenantSpec
from tests.components.specs import ACME, EDGE, GLOBEX

SHARED = "http://localhost:3000"


def test_a_tenant_has_its_own_origins_and_each_origin_is_known_to_be_somebodys() -> None:
    records = {record.key: json.loads(record.value) for record in build_tenant_records(EDGE)}
    assert records.pop("acme")["origins"] == [SHARED, "https://app.acme.example"]
    assert records == {
        f"origin:{SHARED}": {},
        "origin:https://app.acme.example": {},
    }


def test_two_tenants_may_have_one_origin() -> None:
    tenants = tuple(EdgeTenantSpec(tenant=tenant, origins=(SHARED,)) for tenant in (ACME, GLOBEX))
    records = build_tenant_records(EDGE.model_copy(update={"tenants": tenants}))
    assert [record.key for record in records] == ["acme", "globex", f"origin:{SHARED}"]
    assert len({record.name for record in records}) == 3


@pytest.mark.parametrize(
    "origin", ["*", "null", "https://app.acme.example/", "https://*.acme.example", "app.acme.example"]
)
def test_only_an_origin_as_browsers_write_it_is_taken(origin: str) -> None:
    with pytest.raises(ValidationError, match="origins"):
        EdgeTenantSpec(tenant=ACME, origins=(origin,))
