"""What an agent's door refuses to whoever comes past the edge."""

import json
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from components.naming import config_name
from infra.local.region import LocalRegion
from runtime.agent.door.sessions import Owner, Sessions
from runtime.contract import errors, headers, image, paths, token
from runtime.model.script import ASK_COLOUR, tell_colour
from tests.e2e import sniffer
from tests.e2e.asking import say
from tests.e2e.conftest import Cluster, Customer
from tests.e2e.door import Door
from tests.runtime.agent.door.incidents import INCIDENTS, Attempt
from tests.runtime.edge import Edge
from tests.waiting import eventually

pytestmark = pytest.mark.cluster

NUDGE = "moltghost.test/nudge"
"""An annotation that has the kubelet look at a pod, and at what it mounts, at once."""


@pytest.fixture
def edge(region: LocalRegion) -> Edge:
    """Signs with the region's own key."""
    return Edge.of(region.credentials.signing_key())


@pytest.fixture
def door(cluster: Cluster, acme: Customer, edge: Edge) -> Door:
    return Door(cluster, acme, edge)


def chat(text: str = "Who are you?", **more: Any) -> Attempt:
    body = {"model": "helper", "messages": [{"role": "user", "content": text}], **more}
    return Attempt("POST", paths.CHAT_COMPLETIONS, body=body)


def said(body: Any) -> str:
    """What a whole chat answers."""
    return str(body["choices"][0]["message"]["content"]).strip()


@pytest.mark.parametrize("name", INCIDENTS)
def test_incident(door: Door, name: str) -> None:
    attempts = INCIDENTS[name]
    answers = door.ask_all(attempts)
    assert [answer.status for answer in answers] == [attempt.status for attempt in attempts]
    assert all(answer.headers[headers.REQUEST_ID] for answer in answers)


def bad_tokens(edge: Edge) -> dict[str, dict[str, str]]:
    """What stands in a good token's place."""
    now = int(time.time())
    forged = Edge(kid=edge.kid).token()
    unsigned = ".".join([*edge.token().split(".")[:2], ""])
    tokens = {
        "forged": forged,
        "unsigned": unsigned,
        "expired": edge.token(iat=now - 2 * token.LIFETIME_S, exp=now - token.LIFETIME_S),
        "too long-lived": edge.token(exp=now + 10 * token.LIFETIME_S),
        "of another issuer": edge.token(iss="somebody"),
        "for another agent": edge.token("acme", "other"),
        "for another tenant's agent": edge.token("globex", "analyst"),
        "for another agent by its audience alone": edge.token(aud=token.audience("globex", "analyst")),
        "empty": "",
    }
    return {"none": {}, **{name: {headers.EDGE_TOKEN: value} for name, value in tokens.items()}}


@pytest.mark.parametrize("name", bad_tokens(Edge()))
def test_a_token_is_refused_that_is(door: Door, edge: Edge, name: str) -> None:
    attempts = [chat(), Attempt("POST", paths.RESPONSES, body={"input": "x"}), Attempt("GET", paths.MODELS)]
    answers = door.ask_all(attempts, edge=bad_tokens(edge)[name])
    assert [(answer.status, answer.code) for answer in answers] == [(401, errors.INVALID_TOKEN.code)] * 3
    assert door.ask(Attempt("GET", paths.MODELS)).status == 200, "a good token passes"


def test_a_retired_key_is_refused_without_a_restart(cluster: Cluster, acme: Customer, door: Door) -> None:
    models = Attempt("GET", paths.MODELS)
    started = cluster.running_since(acme)
    new = Edge(kid="k-next")
    with edge_keys(cluster, acme, new.jwks):
        eventually(lambda: door.ask(models).status == 401, "the retired key is refused", seconds=120, every=1)
        assert door.ask(models, edge=new.headers(acme.tenant, acme.agent)).status == 200
    eventually(lambda: door.ask(models).status == 200, "the key is good again", seconds=120, every=1)
    assert door.ask(models, edge=new.headers(acme.tenant, acme.agent)).status == 401
    assert cluster.running_since(acme) == started


@contextmanager
def edge_keys(cluster: Cluster, customer: Customer, jwks: str) -> Iterator[None]:
    """Other keys in the agent's configuration, for a while."""
    where = ("configmap", config_name(customer.agent), "-n", customer.namespace)
    kept = json.loads(cluster.kubectl("get", *where, "-o", "json"))["data"][image.EDGE_KEYS_FILE]

    def put(keys: str) -> None:
        patch = json.dumps({"data": {image.EDGE_KEYS_FILE: keys}})
        cluster.kubectl("patch", *where, "--type=merge", "--field-manager=pulumi-kubernetes", "-p", patch)
        pod = cluster.pod_name(customer)
        cluster.kubectl("annotate", "pod", pod, "-n", customer.namespace, "--overwrite", f"{NUDGE}={uuid.uuid4().hex}")

    put(jwks)
    try:
        yield
    finally:
        put(kept)


def test_openclaws_own_headers_end_at_the_door(door: Door, acme: Customer) -> None:
    user, other = (f"user-{uuid.uuid4()}" for _ in range(2))
    say(acme, tell_colour("red"), user)
    session = Sessions(acme.tenant, acme.agent).open(Owner("default", user))
    sent = {
        "x-openclaw-session-key": session,
        "X-OpenClaw-Session-Id": session,
        "x-openclaw-agent-id": "somebody",
        "x-openclaw-model": "other/model",
        "x-openclaw-scopes": "operator.admin",
        "Authorization": "Bearer guessed",
        "X-Forwarded-User": "owner",
        "Forwarded": "for=127.0.0.1",
    }
    attempt = chat(ASK_COLOUR, user=other)
    answer = door.ask(Attempt(attempt.method, attempt.target, sent, attempt.body))
    assert answer.status == 200, answer.body
    assert said(answer.said) == "You said nothing.", "the header led into another user's history"
    assert said(door.ask(chat(ASK_COLOUR, user=user)).said) == "You said red.", "there is a history to be led into"


def test_a_gateway_url_in_the_query_is_nobodys(cluster: Cluster, acme: Customer, door: Door) -> None:
    attempt = chat()
    query = "?gatewayUrl=ws://203.0.113.10:8080&token=x"
    with sniffer.watching(cluster.addresses.node_netns, cluster.pod_ip(acme)) as tried:
        answer = door.ask(Attempt("POST", attempt.target + query, body=attempt.body))
    assert answer.status == 200
    assert tried == set()
