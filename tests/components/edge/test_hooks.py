"""What the Worker knows of webhooks, and what keeps one delivery from being taken twice."""

import json

import pytest
from pydantic import ValidationError

from components.edge.hooks import build_hook_records, build_object_bindings
from components.edge.manifests import build_migrations
from components.edge.spec import EdgeSpec, HookSpec
from components.labels import AgentId
from runtime.contract.hooks import hook_secret
from tests.components.specs import ACME, EDGE, GLOBEX


def test_a_hook_says_whose_it_is_and_no_secret() -> None:
    (record,) = build_hook_records(EDGE)
    assert record.key == "hook:crm"
    assert json.loads(record.value) == {"tenant": "acme", "agent": "helper", "versions": [1]}
    assert hook_secret("a pepper", "acme", "crm", 1) not in record.value


def test_a_hook_says_where_answers_go_if_anywhere() -> None:
    later = EDGE.hooks[0].model_copy(update={"deliver_to": "https://crm.example.com/answers"})
    (record,) = build_hook_records(EDGE.model_copy(update={"hooks": (later,)}))
    assert json.loads(record.value)["deliver_to"] == "https://crm.example.com/answers"


def test_the_objects_classes_are_bound_and_made_with_sqlite() -> None:
    bound = {each["name"]: each["class_name"] for each in build_object_bindings()}
    assert bound == {"HOOK_LEDGER": "HookLedger", "HOOK_OUTBOX": "HookOutbox"}
    assert set(bound.values()) < set(build_migrations()["new_sqlite_classes"])


def test_two_tenants_cannot_have_one_hook() -> None:
    twice = tuple(HookSpec(id="crm", tenant=tenant, agent=AgentId("helper")) for tenant in (ACME, GLOBEX))
    with pytest.raises(ValidationError, match="crm is there twice"):
        EdgeSpec.model_validate({**EDGE.model_dump(), "hooks": twice})


@pytest.mark.parametrize("versions", [(), (0,), (1, 2, 3)])
def test_one_secret_is_live_or_two(versions: tuple[int, ...]) -> None:
    with pytest.raises(ValidationError, match="versions"):
        HookSpec(id="crm", tenant=ACME, agent=AgentId("helper"), versions=versions)
