"""What an agent does for its customer: tools, both of OpenAI's APIs, histories, receipts."""

import json
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import openai
import pytest

from infra.local.region import LocalRegion
from runtime.contract import headers
from runtime.model.script import ANSWER_WORDS, ASK_COLOUR, ASK_TOOL, FOUND_WORDS, TOOL_ARGUMENT, tell_colour
from tests.e2e import crm, sniffer
from tests.e2e.asking import say, sdk
from tests.e2e.conftest import Cluster, Customer
from tests.e2e.receipts import Book, copy_book

pytestmark = pytest.mark.cluster

FOUND = "".join(FOUND_WORDS)


@pytest.fixture
def client(acme: Customer) -> Iterator[openai.OpenAI]:
    with sdk(acme) as client:
        yield client


@pytest.fixture
def calls(cluster: Cluster) -> Iterator[list[dict[str, Any]]]:
    """The requests the customer's CRM gets."""
    with crm.serving(cluster.addresses.world_netns) as requests:
        yield requests


@pytest.fixture
def expected_call(region: LocalRegion, acme: Customer) -> dict[str, str]:
    """The one request a look-up is to make, with the token only this agent's Secret holds."""
    token = region.credentials.agent_secrets(acme.tenant, acme.agent, ["crm-token"])["crm-token"]
    return {"path": f"/customers/{TOOL_ARGUMENT}", "authorization": f"Bearer {token}"}


def test_a_chat_calls_the_tenants_own_skill_and_reaches_nothing_else(
    cluster: Cluster,
    acme: Customer,
    client: openai.OpenAI,
    calls: list[dict[str, Any]],
    expected_call: dict[str, str],
) -> None:
    with sniffer.watching(cluster.addresses.node_netns, cluster.pod_ip(acme)) as tried:
        stream = client.chat.completions.create(
            model=acme.agent, messages=[{"role": "user", "content": ASK_TOOL}], stream=True
        )
        pieces = [chunk.choices[0].delta.content or "" for chunk in stream if chunk.choices]
    assert "".join(pieces).strip() == FOUND
    assert len([piece for piece in pieces if piece]) > 1, "the answer came in one piece"
    assert calls == [expected_call]
    assert tried == {(crm.ADDRESS, crm.PORT)}


def test_a_response_calls_it_too_in_a_stream(
    acme: Customer, client: openai.OpenAI, calls: list[dict[str, Any]], expected_call: dict[str, str]
) -> None:
    events = list(client.responses.create(model=acme.agent, input=ASK_TOOL, stream=True))
    text = "".join(event.delta for event in events if event.type == "response.output_text.delta")
    assert text.strip() == FOUND
    last = events[-1]
    assert last.type == "response.completed"
    assert last.response.output_text.strip() == FOUND
    assert calls == [expected_call]


def test_a_response_calls_it_too_as_a_whole(
    acme: Customer, client: openai.OpenAI, calls: list[dict[str, Any]], expected_call: dict[str, str]
) -> None:
    answer = client.responses.create(model=acme.agent, input=ASK_TOOL)
    assert (answer.status, answer.output_text.strip()) == ("completed", FOUND)
    assert calls == [expected_call]


def test_an_agent_without_the_skill_has_no_such_tool(
    customers: dict[str, Customer], calls: list[dict[str, Any]]
) -> None:
    assert say(customers["globex"], ASK_TOOL).strip() == "".join(ANSWER_WORDS)
    assert calls == []


def test_models_lists_the_agents_of_the_key(acme: Customer, client: openai.OpenAI) -> None:
    assert [(model.id, model.owned_by) for model in client.models.list()] == [(acme.agent, acme.tenant)]


def test_two_users_have_two_histories_and_both_outlive_the_pod(cluster: Cluster, acme: Customer) -> None:
    blue, red, nobody = (f"user-{uuid.uuid4()}" for _ in range(3))
    say(acme, tell_colour("blue"), blue)
    say(acme, tell_colour("red"), red)

    def remembered() -> list[str]:
        return [say(acme, ASK_COLOUR, user).strip() for user in (blue, red, nobody)]

    told = ["You said blue.", "You said red.", "You said nothing."]
    assert remembered() == told
    before = cluster.await_agent(acme)
    cluster.kubectl("delete", "pod", "-n", acme.namespace, cluster.pod_name(acme))
    cluster.await_agent(acme, other_than=before)
    assert remembered() == told


@pytest.fixture
def book(region: LocalRegion, cluster: Cluster, acme: Customer, tmp_path: Path) -> tuple[Book, str, str]:
    """The book after a question, the question's id, and the hash a later answer carried."""
    with sdk(acme) as client:
        first, later = (
            client.chat.completions.with_raw_response.create(
                model=acme.agent, messages=[{"role": "user", "content": f"{SECRET_WISH} {turn}"}]
            )
            for turn in range(2)
        )
    return copy_book(region, cluster, acme, tmp_path), first.headers[headers.REQUEST_ID], later.headers[headers.RECEIPT]


SECRET_WISH = "Nobody may read this wish."


def test_receipts_verify_with_the_stacks_key_up_to_the_one_an_answer_named(book: tuple[Book, str, str]) -> None:
    receipts, request_id, last = book
    verdict = receipts.verify("--last", last, "--json")
    assert verdict.returncode == 0, verdict.stdout + verdict.stderr
    found = json.loads(verdict.stdout)
    assert (found["ok"], found["tenant"], found["agent"]) == (True, "acme", "helper")

    (named,) = [receipt for receipt in receipts.receipts if receipt["hash"] == last]
    assert named["id"] == request_id, "an answer names the receipt of the request before it"
    assert named["tokens_in"] > 0
    assert named["tokens_out"] >= len(ANSWER_WORDS)
    assert named["outcome"] == "completed"


def test_a_changed_byte_of_a_receipt_shows(book: tuple[Book, str, str]) -> None:
    receipts, _, last = book
    file = receipts.files[-1]
    file.write_text(file.read_text().replace('"outcome":"completed"', '"outcome":"canceled"', 1))
    verdict = receipts.verify("--last", last)
    assert verdict.returncode == 1
    assert "was altered" in verdict.stderr


def test_receipts_and_log_hold_nothing_that_was_said(
    cluster: Cluster, acme: Customer, book: tuple[Book, str, str]
) -> None:
    receipts, request_id, _ = book
    log = cluster.kubectl("logs", "-n", acme.namespace, cluster.pod_name(acme))
    for place in (receipts.text, log):
        assert request_id in place, "this looks at the wrong text"
        assert SECRET_WISH not in place
        assert "".join(ANSWER_WORDS) not in place
