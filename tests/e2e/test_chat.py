"""A chat with each tenant's key, through Worker, gateway and pod, by the client customers use."""

import json
import subprocess
import sys
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import httpx
import httpx2
import openai
import pytest

from infra.local.chat import curl_line, sdk_snippet
from infra.local.region import LocalRegion
from runtime.contract import errors, headers, paths
from runtime.contract.edge import new_api_key
from tests.e2e.conftest import Cluster, Customer
from tests.waiting import eventually

pytestmark = pytest.mark.cluster

QUESTION: list[openai.types.chat.ChatCompletionUserMessageParam] = [{"role": "user", "content": "Who are you?"}]


@pytest.fixture
def clients(customers: dict[str, Customer]) -> Iterator[dict[str, openai.OpenAI]]:
    with httpx2.Client(trust_env=False, timeout=60) as http:
        yield {
            name: openai.OpenAI(base_url=f"{one.edge_url}/v1", api_key=one.api_key, http_client=http, max_retries=0)
            for name, one in customers.items()
        }


@pytest.mark.parametrize("tenant", ["acme", "globex"])
def test_each_tenants_agent_streams_its_answer(
    clients: dict[str, openai.OpenAI], customers: dict[str, Customer], tenant: str
) -> None:
    stream = clients[tenant].chat.completions.create(model=customers[tenant].agent, messages=QUESTION, stream=True)
    pieces = [chunk.choices[0].delta.content or "" for chunk in stream if chunk.choices]
    assert "tiny model" in "".join(pieces)
    assert len([piece for piece in pieces if piece]) > 1, "the answer came in one piece: something buffers it"


@pytest.mark.parametrize("tenant", ["acme", "globex"])
def test_each_tenants_agent_answers_whole(
    clients: dict[str, openai.OpenAI], customers: dict[str, Customer], tenant: str
) -> None:
    answer = clients[tenant].chat.completions.create(model=customers[tenant].agent, messages=QUESTION)
    assert "tiny model" in (answer.choices[0].message.content or "")
    assert answer.choices[0].finish_reason == "stop"


def test_the_alias_names_the_agent_in_its_path(customers: dict[str, Customer]) -> None:
    acme = customers["acme"]
    answer = httpx.post(
        f"{acme.edge_url}{paths.CHAT}/{acme.agent}",
        json={"messages": QUESTION},
        headers={"authorization": f"Bearer {acme.api_key}"},
        timeout=60,
        trust_env=False,
    )
    assert answer.status_code == 200
    assert "tiny model" in answer.json()["choices"][0]["message"]["content"]
    assert answer.headers[headers.REQUEST_ID]


@pytest.mark.parametrize("fault", ["a typo", "nobody's"])
def test_a_wrong_key_is_refused(customers: dict[str, Customer], fault: str) -> None:
    acme = customers["acme"]
    typo = acme.api_key[:-1] + ("A" if acme.api_key[-1] != "A" else "B")
    wrong = typo if fault == "a typo" else new_api_key(acme.tenant)
    with httpx2.Client(trust_env=False, timeout=60) as http:
        client = openai.OpenAI(base_url=f"{acme.edge_url}/v1", api_key=wrong, http_client=http, max_retries=0)
        with pytest.raises(openai.AuthenticationError) as refusal:
            client.chat.completions.create(model=acme.agent, messages=QUESTION)
    assert refusal.value.status_code == 401
    assert refusal.value.code == errors.INVALID_KEY.code


@pytest.mark.parametrize("name", ["{agent}", "globex/{agent}", "no-such-agent"])
def test_another_tenants_agent_does_not_exist(
    clients: dict[str, openai.OpenAI], customers: dict[str, Customer], name: str
) -> None:
    with pytest.raises(openai.NotFoundError) as refusal:
        clients["acme"].chat.completions.create(model=name.format(agent=customers["globex"].agent), messages=QUESTION)
    assert refusal.value.status_code == 404
    assert refusal.value.code == errors.AGENT_NOT_FOUND.code


def test_a_body_over_the_limit_is_refused(clients: dict[str, openai.OpenAI], customers: dict[str, Customer]) -> None:
    huge: openai.types.chat.ChatCompletionUserMessageParam = {"role": "user", "content": "x" * 1_100_000}
    with pytest.raises(openai.APIStatusError) as refusal:
        clients["acme"].chat.completions.create(model=customers["acme"].agent, messages=[huge])
    assert refusal.value.status_code == 413


def test_the_gateway_lets_nobody_past_the_edge(customers: dict[str, Customer]) -> None:
    acme = customers["acme"]
    answer = httpx.post(
        f"{acme.gateway_origin}{paths.CHAT_COMPLETIONS}",
        json={"model": acme.agent, "messages": QUESTION},
        headers={"authorization": f"Bearer {acme.api_key}"},
        timeout=60,
        trust_env=False,
    )
    assert answer.status_code == 401
    assert answer.json()["error"]["code"] == errors.INVALID_TOKEN.code


def test_a_clients_leaving_reaches_the_model_server(cluster: Cluster, customers: dict[str, Customer]) -> None:
    """The model would speak without end: only a hop that lets go can make its server stop."""
    acme = customers["acme"]
    endless = {"model": acme.agent, "stream": True, "messages": [{"role": "user", "content": "Count without end."}]}
    key = {"authorization": f"Bearer {acme.api_key}"}
    ended_before = len(generations(cluster, acme))
    url = f"{acme.edge_url}{paths.CHAT_COMPLETIONS}"
    with httpx.stream("POST", url, json=endless, headers=key, timeout=60, trust_env=False) as answer:
        lines = answer.iter_lines()
        assert all(next(lines).startswith(("data: ", "")) for _ in range(20))
        assert len(generations(cluster, acme)) == ended_before, "the model still speaks"
        left = datetime.now(UTC)

    eventually(lambda: len(generations(cluster, acme)) > ended_before, "the model server ends its answer", seconds=10)
    assert (generations(cluster, acme)[-1] - left).total_seconds() < 1


def generations(cluster: Cluster, customer: Customer) -> list[datetime]:
    """When the customer's model server was done with each chat, by its own log."""
    pod = cluster.pod_name(customer)
    log = [json.loads(line) for line in cluster.kubectl("logs", "-n", customer.namespace, pod).splitlines()]
    return [
        datetime.fromisoformat(entry["time"])
        for entry in log
        if "[GIN]" in entry.get("line", "") and '"/api/chat"' in entry["line"]
    ]


def test_the_lines_up_prints_work_as_printed(region: LocalRegion, customers: dict[str, Customer]) -> None:
    tenant = region.tenants()[0]
    key_file = Path(tenant.key_file)
    shell = curl_line(region.edge_url, key_file, tenant.agents[0])
    program = sdk_snippet(region.edge_url, key_file, tenant.agents[0])
    by_curl = subprocess.run(["bash", "-c", shell], capture_output=True, text=True, timeout=60, check=True)
    by_sdk = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=60, check=True)
    assert by_curl.stdout.rstrip().endswith("data: [DONE]")
    assert by_sdk.stdout == "Hello from the tiny model.\n"
