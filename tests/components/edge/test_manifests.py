"""What the Worker is bound to, and how it reaches regions."""

import json

import pytest
from pydantic import ValidationError

from components.edge.manifests import (
    BINDING_TYPES,
    build_hook_bindings,
    build_limit_bindings,
    build_region_records,
    build_text_bindings,
)
from components.edge.migrations import MIGRATIONS
from components.edge.spec import RegionSpec
from runtime.contract import edge, rates
from tests.components.specs import EDGE, SIN


def test_the_table_says_how_each_region_is_reached() -> None:
    records = {record.key: json.loads(record.value) for record in build_region_records(EDGE)}
    assert records == {
        "region:sin": {"origin": "http://127.0.0.1:20013", "near": ["SIN", "AS"], "state": "open"},
        "region:jkt": {"origin": "https://gateway.jkt.example.com", "near": ["CGK"], "state": "open"},
    }


def test_a_region_can_be_closed() -> None:
    closed = EDGE.model_copy(update={"regions": {SIN: RegionSpec(origin="https://sin.example.com", state="closed")}})
    assert [json.loads(record.value)["state"] for record in build_region_records(closed)] == ["closed"]


@pytest.mark.parametrize("near", ["sin", "Asia", "S", "", "SI-"])
def test_a_place_is_a_colo_or_a_continent(near: str) -> None:
    with pytest.raises(ValidationError, match="near"):
        RegionSpec(origin="https://sin.example.com", near=(near,))


def test_the_walls_are_the_contracts_and_count_each_for_itself() -> None:
    limiter, *walls = build_limit_bindings(EDGE)
    assert limiter == {"name": "LIMITER", "type": "durable_object_namespace", "class_name": "Limiter"}
    assert [(wall["name"], wall["simple"]["limit"]) for wall in walls] == list(rates.WALLS)
    other = build_limit_bindings(EDGE.model_copy(update={"script_name": "platform-fra-edge"}))
    namespaces = [each["namespace_id"] for each in (*walls, *other[1:])]
    assert len(set(namespaces)) == len(namespaces)
    assert all(0 < int(namespace) < 2**31 for namespace in namespaces)


def test_the_hooks_classes_are_bound_and_made_with_sqlite() -> None:
    bound = {each["name"]: each["class_name"] for each in build_hook_bindings()}
    assert bound == {"HOOK_LEDGER": "HookLedger", "HOOK_OUTBOX": "HookOutbox"}
    made = {name for step in MIGRATIONS for name in step.makes}
    assert set(bound.values()) < made


def test_every_kind_of_binding_stays_while_a_migration_is_made() -> None:
    told = build_text_bindings(client_certificates=True)
    built = (*build_hook_bindings(), *build_limit_bindings(EDGE), *told)
    assert {each["type"] for each in built} | {"kv_namespace", "secret_text"} == set(BINDING_TYPES)


def test_the_worker_is_told_of_client_certificates_where_they_are_asked_for_alone() -> None:
    assert build_text_bindings(client_certificates=False) == []
    (told,) = build_text_bindings(client_certificates=True)
    assert told["name"] == edge.BINDING_CLIENT_CERTIFICATES


def test_the_script_is_left_out_of_what_is_printed() -> None:
    assert EDGE.script not in repr(EDGE)
