"""What a tenant's and a key's limits become at the edge."""

import json
from typing import Any

from components.edge.tenant_edge_manifests import build_key_records, build_tenant_record
from infra.stacks.dev_specs import tenant_edge_spec
from runtime.contract import rates
from tests.infra.bad_access import KEY
from tests.infra.departures import T
from tests.stack_files import dev_plan, machine_config


def records(config: dict[str, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
    """The first tenant's record, and its last key's."""
    plan = dev_plan(config)
    machine = plan.settings.machine
    assert machine is not None
    spec = tenant_edge_spec(plan, plan.tenants[0], machine)
    keys = [json.loads(record.value) for record in build_key_records(spec)]
    return json.loads(build_tenant_record(spec).value), keys[-1]


def test_who_says_nothing_has_the_platforms_own() -> None:
    config = machine_config()
    config[T][0].pop("limits", None)
    tenant, key = records(config)
    assert tenant["limits"] == {
        "per_minute": rates.PER_MINUTE, "burst": rates.BURST, "streams": rates.STREAMS, "price_in": 0, "price_out": 0
    }  # fmt: skip
    assert "limits" not in key


def test_money_is_written_in_millionths() -> None:
    config = machine_config()
    config[T][0]["limits"] = {"spend_month": 12.5, "price_in": 0.25, "price_out": 3, "tokens_month": 1000}
    tenant, _ = records(config)
    # A million tokens at 0.25 are 0.25 of money: a token is a quarter of a millionth.
    assert tenant["limits"]["spend_month"] == 12_500_000
    assert (tenant["limits"]["price_in"], tenant["limits"]["price_out"]) == (0.25, 3)
    assert tenant["limits"]["tokens_month"] == 1000


def test_a_key_says_only_what_is_its_own() -> None:
    config = machine_config()
    config[T][0]["limits"] = {"per_minute": 200, "burst": 20}
    config[T][0]["api_keys"] = [{**KEY, "limits": {"per_minute": 200}}]
    _, key = records(config)
    assert key["limits"] == {"per_minute": 200}
