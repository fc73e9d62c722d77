"""The door's description, held to the door."""

import json
from typing import Any

import jsonschema_rs
import pytest

from runtime.agent.door.openapi import ELSEWHERE, document
from runtime.contract import errors, headers, limits, paths
from tests.runtime.agent.door.serving import Standing, standing
from tests.runtime.agent.door.test_asking import SDK_CHAT, SDK_RESPONSES
from tests.runtime.serving import EDGE, must_not_be_reached

DOCUMENT = document()
OPERATIONS = {(method, path) for path, item in DOCUMENT["paths"].items() for method in item}


async def status_of(door: Standing, method: str, path: str) -> int:
    """What this door answers to an empty request."""
    async with door.client.request(method, door.url.with_path(path), headers=EDGE.headers()) as answer:
        return answer.status


async def test_every_operation_is_a_route_and_every_route_an_operation() -> None:
    methods = ("get", "post", "put", "patch", "delete", "head", "options")
    async with standing(must_not_be_reached) as door:
        found = {
            (method, path)
            for path in {value for name, value in vars(paths).items() if name.isupper()} | {"/", "/tools/invoke"}
            for method in methods
            if await status_of(door, method.upper(), path) not in {kind.status for kind in ELSEWHERE} - {400}
        }
    assert found == OPERATIONS


def test_every_error_of_the_contract_is_said_or_is_not_the_doors() -> None:
    said = {
        code
        for item in DOCUMENT["paths"].values()
        for operation in item.values()
        for status, answer in operation["responses"].items()
        if status != "200"
        for code in answer["content"]["application/json"]["schema"]["properties"]["error"]["properties"]["code"]["enum"]
    }
    edges = (
        errors.INVALID_KEY, errors.FORBIDDEN, errors.KEYS_UNAVAILABLE, errors.INVALID_SIGNATURE, errors.REPLAYED,
        errors.OUTBOX_FULL, errors.CHAT_CUT, errors.RATE_LIMITED, errors.QUOTA_EXCEEDED, errors.LIMITER_DOWN,
    )  # fmt: skip
    others = {kind.code for kind in (*edges, errors.AGENT_NOT_FOUND)}
    assert said | {kind.code for kind in ELSEWHERE} | others == {kind.code for kind in errors.KINDS}
    assert not said & others


def test_every_limit_is_said() -> None:
    text = json.dumps(DOCUMENT)
    for limit in (limits.BODY_BYTES, limits.REQUEST_S, limits.FIRST_BYTE_S, limits.IDLE_S):
        assert str(limit) in text
    for body in ("ChatWish", "ResponsesWish"):
        user = DOCUMENT["components"]["schemas"][body]["properties"]["user"]
        assert {"maxLength": limits.USER_CHARS, "type": "string"} in user["anyOf"]


@pytest.mark.parametrize(
    ("body", "path"), [(SDK_CHAT, paths.CHAT_COMPLETIONS), (SDK_RESPONSES, paths.RESPONSES)], ids=["chat", "responses"]
)
def test_what_the_door_takes_is_what_its_description_takes(body: dict[str, Any], path: str) -> None:
    asked = DOCUMENT["paths"][path]["post"]["requestBody"]["content"]["application/json"]["schema"]
    schema = jsonschema_rs.validator_for({**asked, "components": DOCUMENT["components"]})
    assert schema.is_valid(body)
    assert not schema.is_valid({**body, "unknown": 1})
    assert not schema.is_valid({})


def test_the_token_is_the_way_in() -> None:
    [scheme] = DOCUMENT["components"]["securitySchemes"].values()
    assert (scheme["in"], scheme["name"]) == ("header", headers.EDGE_TOKEN)
    assert all(operation["security"] for item in DOCUMENT["paths"].values() for operation in item.values())
