"""Who may come in, from a stack file to what the edge reads."""

import json
from typing import get_args

import pytest

from components.edge.tenant_edge_manifests import build_credential_records, build_key_records
from infra.settings.access import Issuer, Operation
from infra.stacks.dev_specs import tenant_edge_spec
from runtime.contract import edge
from tests.infra.bad_access import ISSUER, KEY, certificate
from tests.infra.departures import Config
from tests.stack_files import dev_plan, machine_config


def records(config: Config) -> dict[str, dict[str, object]]:
    """What the edge reads of a config's credentials, by its key."""
    plan = dev_plan(config)
    assert plan.settings.machine is not None
    specs = [tenant_edge_spec(plan, tenant, plan.settings.machine) for tenant in plan.tenants]
    found = [one for spec in specs for one in (*build_key_records(spec), *build_credential_records(spec))]
    return {one.key: json.loads(one.value) for one in found}


def test_a_tenant_without_any_has_the_machines_key_alone() -> None:
    assert records(machine_config()) == {
        "a" * 64: {"tenant": "acme", "key": "default", "agents": ["*"]},
        "b" * 64: {"tenant": "globex", "key": "default", "agents": ["*"]},
    }


def test_what_a_tenant_was_given_reaches_the_edge() -> None:
    config = machine_config()
    scopes = {"models": ["tiny"], "methods": ["chat", "models"]}
    narrowed = {**KEY, **scopes, "expires": "2099-12-31T00:00:00Z", "cidrs": ["203.0.113.0/24", "2001:db8::/32"]}
    config["moltghost:tenants"][0]["api_keys"] = [narrowed]
    certificate(0, **scopes)(config)
    config["moltghost:tenants"][1]["issuers"] = [{**ISSUER, "scope_claim": "agents"}]
    found = records(config)
    assert found["c" * 64] == {
        "tenant": "acme",
        "key": "ci",
        "agents": ["helper"],
        **scopes,
        "expires": 4_102_358_400,
        "cidrs": ["203.0.113.0/24", "2001:db8::/32"],
    }
    assert found[edge.certificate_key("A5" * 20, "vpc.example.com")] == {
        "tenant": "acme",
        "key": "vpc",
        "agents": ["*"],
        **scopes,
    }
    issuer = {name: value for name, value in ISSUER.items() if name != "id"}
    expected = {"tenant": "globex", "key": "login", **issuer, "scope_claim": "agents"}
    assert found[edge.issuer_key("https://login.example.com")] == expected


@pytest.mark.parametrize("jwks", ["http://127.0.0.1:9000/jwks.json", "http://[::1]:9000/jwks.json"])
def test_keys_may_be_fetched_in_the_clear_on_this_machine(jwks: str) -> None:
    config = machine_config()
    config["moltghost:tenants"][0]["issuers"] = [{**ISSUER, "jwks": jwks}]
    assert records(config)[edge.issuer_key("https://login.example.com")]["jwks"] == jwks


def test_settings_offer_what_the_edge_knows() -> None:
    assert get_args(Operation) == edge.OPERATIONS
    assert get_args(Issuer.model_fields["algorithm"].annotation) == edge.JWT_ALGORITHMS
