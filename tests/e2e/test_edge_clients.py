"""Who asks, how often, and by which way: the edge of the running region, seen by its clients."""

import json
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from queue import Queue
from threading import Thread
from typing import Any

import httpx
import httpx2
import jwt
import openai
import pytest
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey, generate_private_key
from jwt.algorithms import RSAAlgorithm

from components.edge.kv import KvRecord
from components.edge.limits import KeyLimitsSpec
from components.edge.tenant_edge_manifests import build_credential_records, build_hook_records, build_key_records
from components.edge.tenant_edge_spec import ApiKeySpec, HookSpec, IssuerSpec, TenantEdgeSpec
from components.labels import AgentId, Region, TenantId
from infra.local.node import node_program
from infra.local.region import LocalRegion
from runtime.contract import edge, errors, headers, hooks, paths
from runtime.contract.edge import hash_api_key, new_api_key
from tests.e2e.conftest import PROJECT, Customer
from tests.e2e.edge_records import namespace
from tests.waiting import eventually

pytestmark = pytest.mark.cluster

QUESTION = [{"role": "user", "content": "Who are you?"}]
ISSUER, AUDIENCE, KID = "https://login.acme.test", "moltghost", "login-1"
NODE_SDK = """
import OpenAI from "openai";
const [baseURL, apiKey, model] = process.argv.slice(1);
const client = new OpenAI({ baseURL, apiKey, maxRetries: 0 });
const messages = [{ role: "user", content: "Who are you?" }];
const whole = await client.chat.completions.create({ model, messages });
const stream = await client.chat.completions.create({ model, messages, stream: true });
const pieces = [];
for await (const chunk of stream) pieces.push(chunk.choices[0]?.delta?.content ?? "");
const response = await client.responses.create({ model, input: "Who are you?" });
const models = [];
for await (const each of client.models.list()) models.push(each.id);
const answers = [whole.choices[0].message.content, pieces.join(""), response.output_text];
console.log(JSON.stringify({ answers, models }));
"""


@pytest.fixture
def given(region: LocalRegion, acme: Customer) -> Callable[..., tuple[str, KvRecord]]:
    """Makes an API key of acme's, not yet at the edge: the key and its record."""

    def make(id_: str, **more: Any) -> tuple[str, KvRecord]:
        key = new_api_key(acme.tenant)
        digest = hash_api_key(region.credentials.pepper(), key)
        spec = ApiKeySpec(id=id_, hash=digest, **more)
        (record,) = build_key_records(at_the_edge(acme, api_keys=(spec,)))
        return key, record

    return make


def at_the_edge(customer: Customer, **has: Any) -> TenantEdgeSpec:
    """A customer that has this alone."""
    return TenantEdgeSpec(tenant=TenantId(customer.tenant), region=Region("local"), account_id="0" * 32, **has)


def ask(customer: Customer, credential: str, **more: Any) -> httpx.Response:
    """One chat, whole."""
    url = f"{customer.edge_url}{paths.CHAT_COMPLETIONS}"
    body = {"model": customer.agent, "messages": QUESTION}
    return httpx.post(
        url, json=body, headers={"authorization": f"Bearer {credential}"}, timeout=90, trust_env=False, **more
    )


def code(answer: httpx.Response) -> str:
    """The code of a refusal."""
    return str(answer.json()["error"]["code"])


def test_openais_node_sdk_works_unchanged(acme: Customer) -> None:
    arguments = [f"{acme.edge_url}/v1", acme.api_key, acme.agent]
    command = [str(node_program()), "--input-type=module", "--eval", NODE_SDK, "--", *arguments]
    done = subprocess.run(
        command, cwd=PROJECT / "workers" / "edge", capture_output=True, text=True, timeout=90, check=False
    )
    assert done.returncode == 0, done.stderr
    said = json.loads(done.stdout)
    assert said == {"answers": ["Hello from the tiny model."] * 3, "models": [acme.agent]}


def test_an_agents_health_is_told_to_its_own_tenant_alone(acme: Customer, globex: Customer) -> None:
    def health(customer: Customer, agent: str) -> httpx.Response:
        url = f"{customer.edge_url}{paths.AGENTS}/{agent}/health"
        key = {"authorization": f"Bearer {customer.api_key}"}
        return httpx.get(url, headers=key, timeout=60, trust_env=False)

    own = health(acme, acme.agent)
    assert (own.status_code, own.json()["status"], own.json()["id"]) == (200, "ready", acme.agent)
    assert own.headers["cache-control"].startswith("private, max-age=")
    others = health(acme, globex.agent)
    assert (others.status_code, code(others)) == (404, errors.AGENT_NOT_FOUND.code)


@pytest.mark.timeout(180)
def test_a_revoked_key_is_refused_within_its_bound(
    region: LocalRegion, acme: Customer, given: Callable[..., tuple[str, KvRecord]]
) -> None:
    key, record = given("revoked")
    keys = namespace(region, "keys")
    with keys.holding([record]):
        assert ask(acme, key).status_code == 200
    revoked = time.monotonic()
    eventually(lambda: ask(acme, key).status_code == 401, "the key is refused", seconds=edge.REVOKED_WITHIN_S, every=1)
    print(f"\na revoked key was refused after {time.monotonic() - revoked:.0f} s")  # noqa: T201  # it is to be seen


def test_a_key_opens_no_more_than_it_is_for(
    region: LocalRegion, acme: Customer, given: Callable[..., tuple[str, KvRecord]]
) -> None:
    narrow: dict[str, dict[str, Any]] = {
        "expired": {"expires": int(time.time()) - 1},
        "elsewhere": {"cidrs": ("203.0.113.0/24",)},
        "models": {"methods": ("models",)},
        "other-agent": {"agents": ("nobody",)},
        "other-model": {"models": ("large",)},
    }
    made = {name: given(name, **more) for name, more in narrow.items()}
    with namespace(region, "keys").holding([record for _, record in made.values()]):
        refusals = {name: code(ask(acme, key)) for name, (key, _) in made.items()}
    assert refusals == {
        "expired": errors.INVALID_KEY.code,
        "elsewhere": errors.FORBIDDEN.code,
        "models": errors.FORBIDDEN.code,
        "other-agent": errors.AGENT_NOT_FOUND.code,
        "other-model": errors.AGENT_NOT_FOUND.code,
    }


def list_often(client: openai.OpenAI) -> None:
    """Ask for the models more often than any second of a tight key's has room for."""
    for _ in range(20):
        client.models.list()


def test_a_keys_own_limit_holds_and_the_sdk_is_told_when_to_ask_again(
    region: LocalRegion, acme: Customer, given: Callable[..., tuple[str, KvRecord]]
) -> None:
    key, record = given("limited", limits=KeyLimitsSpec(burst=2))
    with namespace(region, "keys").holding([record]), httpx2.Client(trust_env=False, timeout=60) as http:
        client = openai.OpenAI(base_url=f"{acme.edge_url}/v1", api_key=key, http_client=http, max_retries=0)
        first = client.models.with_raw_response.list()
        with pytest.raises(openai.RateLimitError) as refused:
            list_often(client)
    assert 0 < int(first.headers["ratelimit-remaining"]) < int(first.headers["ratelimit-limit"])
    assert refused.value.code == errors.RATE_LIMITED.code
    assert int(refused.value.response.headers["retry-after"]) >= 1


@contextmanager
def serving(handler: type[BaseHTTPRequestHandler]) -> Iterator[str]:
    """A server on loopback; its URL."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()


class Quiet(BaseHTTPRequestHandler):
    """Says nothing of its requests: the test's output is its own."""

    def log_message(self, *_: Any) -> None:
        """Says nothing."""

    def answer(self, body: bytes = b"") -> None:
        """200, and this."""
        self.send_response(200)
        self.send_header("content-type", "application/json")
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


@contextmanager
def serving_keys(key: RSAPrivateKey) -> Iterator[str]:
    """An issuer's key set; its URL."""
    document = {**RSAAlgorithm.to_jwk(key.public_key(), as_dict=True), "kid": KID, "alg": "RS256", "use": "sig"}

    class KeySet(Quiet):
        def do_GET(self) -> None:
            self.answer(json.dumps({"keys": [document]}).encode())

    with serving(KeySet) as url:
        yield f"{url}/jwks.json"


def test_a_token_of_the_tenants_issuer_opens_what_it_says(region: LocalRegion, acme: Customer) -> None:
    own, strange = (generate_private_key(public_exponent=65_537, key_size=2048) for _ in range(2))
    now = int(time.time())
    good = {"iss": ISSUER, "aud": AUDIENCE, "sub": "ann", "scope": f"agent:{acme.agent}", "exp": now + 300}

    def token(key: RSAPrivateKey = own, kid: str = KID, **claims: Any) -> str:
        return jwt.encode({**good, **claims}, key, algorithm="RS256", headers={"kid": kid})

    with serving_keys(own) as url:
        spec = IssuerSpec(
            id="login",
            issuer=ISSUER,
            jwks=url,
            algorithm="RS256",
            audience=AUDIENCE,
            scope_claim="scope",
        )
        records = build_credential_records(at_the_edge(acme, issuers=(spec,)))
        with namespace(region, "tenants").holding(records):
            answer = ask(acme, token())
            assert answer.status_code == 200, answer.text
            assert "tiny model" in answer.json()["choices"][0]["message"]["content"]
            refused = {
                "expired": ask(acme, token(exp=now - edge.JWT_LEEWAY_S - 60)),
                "not yet": ask(acme, token(nbf=now + edge.JWT_LEEWAY_S + 60)),
                "another audience": ask(acme, token(aud="another")),
                "another issuer": ask(acme, token(iss="https://login.globex.test")),
                "another's signature": ask(acme, token(strange)),
                "no such key": ask(acme, token(kid="login-2")),
                "another algorithm": ask(acme, jwt.encode(good, "x" * 32, algorithm="HS256", headers={"kid": KID})),
            }
            other_agent = ask(acme, token(scope="agent:nobody"))
    assert {name: (one.status_code, code(one)) for name, one in refused.items()} == dict.fromkeys(
        refused, (401, errors.INVALID_KEY.code)
    )
    assert (other_agent.status_code, code(other_agent)) == (404, errors.AGENT_NOT_FOUND.code)


def test_a_webhook_becomes_a_chat_once(region: LocalRegion, acme: Customer) -> None:
    hook = HookSpec(id="crm", agent=AgentId(acme.agent))
    records = build_hook_records(at_the_edge(acme, hooks=(hook,)))
    secret = hooks.hook_secret(region.credentials.pepper(), acme.tenant, hook.id, 1)
    body, now = json.dumps({"deal": "won"}).encode(), int(time.time())

    def deliver(signature: str) -> httpx.Response:
        signed = {headers.HOOK_SIGNATURE: signature, "content-type": "application/json"}
        url = f"{acme.edge_url}{paths.HOOKS}/{hook.id}"
        return httpx.post(url, content=body, headers=signed, timeout=90, trust_env=False)

    with namespace(region, "tenants").holding(records):
        taken = deliver(hooks.sign(secret, now, body))
        again = deliver(hooks.sign(secret, now, body))
        forged = deliver(hooks.sign("whsec_" + "x" * 43, now, body))
        late = deliver(hooks.sign(secret, now - hooks.TOLERANCE_S - 60, body))
    assert taken.status_code == 200, taken.text
    assert "tiny model" in taken.json()["choices"][0]["message"]["content"]
    assert (again.status_code, code(again)) == (409, errors.REPLAYED.code)
    assert {code(forged), code(late)} == {errors.INVALID_SIGNATURE.code}


def test_a_webhooks_answer_is_delivered_later_and_signed(region: LocalRegion, acme: Customer) -> None:
    heard: Queue[tuple[dict[str, str], bytes]] = Queue()

    class Receiver(Quiet):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["content-length"]))
            heard.put(({name.lower(): value for name, value in self.headers.items()}, body))
            self.answer()

    secret = hooks.hook_secret(region.credentials.pepper(), acme.tenant, "erp", 1)
    body, now = b"Who are you?", int(time.time())
    with serving(Receiver) as url:
        hook = HookSpec(id="erp", agent=AgentId(acme.agent), deliver_to=f"{url}/answers")
        records = build_hook_records(at_the_edge(acme, hooks=(hook,)))
        address = f"{acme.edge_url}{paths.HOOKS}/{hook.id}"
        with namespace(region, "tenants").holding(records):
            signed = {headers.HOOK_SIGNATURE: hooks.sign(secret, now, body)}
            taken = httpx.post(address, content=body, headers=signed, timeout=60, trust_env=False)
            sent, delivered = heard.get(timeout=60)
            key = {"authorization": f"Bearer {acme.api_key}"}
            dead = httpx.get(f"{address}/dead-letters", headers=key, timeout=60, trust_env=False)
    assert taken.status_code == 202, taken.text
    said = json.loads(delivered)
    assert (said["id"], said["hook"], said["agent"]) == (taken.json()["id"], "erp", acme.agent)
    assert "tiny model" in said["answer"]["choices"][0]["message"]["content"]
    timestamp = int(sent[headers.HOOK_SIGNATURE].partition(",")[0].removeprefix("t="))
    assert sent[headers.HOOK_SIGNATURE] == hooks.sign(secret, timestamp, delivered)
    assert (dead.status_code, dead.json()["data"]) == (200, [])
