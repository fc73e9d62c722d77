"""The layers, each as it runs: the edge as the dev stack declares it, the gateway, the agent's door."""

import asyncio
import hmac
import json
import socket
import subprocess
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from email.message import Message
from http.client import HTTPResponse
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import jwt
from jwt.utils import base64url_encode
from yarl import URL

from infra.local.credentials import Credentials
from infra.local.node import node_program
from infra.local.providers.base import Call
from infra.local.providers.cloudflare.provider import CloudflareProvider
from runtime.contract import headers, token
from tests.infra.local.providers.cloudflare.conftest import running_local
from tests.owasp.samples import Sample
from tests.program.recording import Recording, record
from tests.program.test_stand_ins import handed_over
from tests.runtime.agent.door.serving import chat_answer, standing
from tests.runtime.agent.door.serving import say as openclaw
from tests.runtime.edge import Edge, claims
from tests.runtime.serving import EDGE, gateway, say_ok, upstream
from tests.stack_files import AGENT_SECRETS, PROJECT, dev_config, engine_config, machine

RULE = "moltghost-local-rule"


@dataclass(frozen=True)
class Verdict:
    """What became of a sample: the status, who refused it, and whether it reached the next layer."""

    status: int
    by: str
    reached: bool


@dataclass
class Gateway:
    """Stands behind the edge: answers every chat, and counts them."""

    origin: str = ""
    asked: list[str] = field(default_factory=list)

    @contextmanager
    def serving(self) -> Iterator["Gateway"]:
        asked = self.asked

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                self.rfile.read(int(self.headers["content-length"] or 0))
                asked.append(self.path)
                body = json.dumps(chat_answer()).encode()
                self.send_response(200)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_: Any) -> None:
                """Nothing."""

        server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.origin = f"http://127.0.0.1:{server.server_port}"
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        try:
            yield self
        finally:
            server.shutdown()
            server.server_close()


@dataclass(frozen=True)
class DeployedEdge:
    """The edge, a key of acme's, and the gateway behind it."""

    url: str
    key: str
    behind: Gateway


@contextmanager
def deployed_edge(folder: Path) -> Iterator[DeployedEdge]:
    """The dev stack's own edge, every resource of it, on a local Cloudflare, with the Worker as it is bundled."""
    credentials = Credentials(folder / "keys")
    keys = {tenant: credentials.api_key(tenant) for tenant in ("acme", "globex")}
    edge = PROJECT / "workers" / "edge"
    subprocess.run([node_program(), "build.mjs"], cwd=edge, check=True, timeout=120)
    with Gateway().serving() as behind, running_local(folder / "cloudflare") as local:
        config = {**dev_config(), "moltghost:machine": machine(folder)}
        config["moltghost:machine"] |= {
            "worker_script": str(edge / "dist" / "index.js"),
            "gateway_origin": behind.origin,
            "edge_keys": credentials.public_keys(),
            "api_keys": [{"tenant": key.tenant, "id": key.id, "hash": key.hash} for key in keys.values()],
        }
        secrets = {
            "moltghost:keyPepper": credentials.pepper(),
            "moltghost:edgeSigningKey": credentials.signing_key(),
            "moltghost:agentSecrets": AGENT_SECRETS,
        }
        _deploy(record(engine_config(config), secrets), local.api)
        yield DeployedEdge(local.edge, keys["acme"].file.read_text(), behind)


def _deploy(recording: Recording, api: str) -> None:
    """Make each resource of the edge, in the order it was declared, with the ids of those before it."""
    provider = CloudflareProvider()
    provider.configure({"baseUrl": api, "apiToken": "test"})
    made: dict[str, str] = {}
    for each in recording.resources:
        if each.type.startswith("cloudflare:"):
            kind = provider.kind(each.type)
            inputs = _with_ids(handed_over(each.inputs), made)
            call = Call(each.urn, each.type, each.name)
            made[f"{each.name}-id"] = kind.create(call, kind.check(call, inputs, {})).id
    provider.api().close()


def _with_ids(value: Any, made: dict[str, str]) -> Any:
    if isinstance(value, dict):
        return {key: _with_ids(item, made) for key, item in value.items()}
    if isinstance(value, list):
        return [_with_ids(item, made) for item in value]
    return made.get(value, value) if isinstance(value, str) else value


async def ask_edge(edge: DeployedEdge, sample: Sample) -> Verdict:
    """Send it as bytes: what a client library would mend is part of the attack."""
    before = len(edge.behind.asked)
    given: dict[str, str | None] = {"Authorization": f"{sample.scheme} {edge.key}", "Content-Type": "application/json"}
    status, answered, body = await _answer(edge.url, sample, {**given, **sample.headers})
    return Verdict(status, answered.get(RULE) or code_of(body), len(edge.behind.asked) > before)


async def ask_gateway(sample: Sample) -> Verdict:
    """The gateway before a pod that answers."""
    async with upstream(say_ok) as port, gateway(EDGE, port) as url:
        return await _ask_inside(url, sample)


async def ask_door(sample: Sample) -> Verdict:
    """The door of acme's agent `helper`, before an OpenClaw that answers."""
    async with standing(openclaw) as door:
        return await _ask_inside(str(door.url), sample)


async def _ask_inside(url: str, sample: Sample) -> Verdict:
    given: dict[str, str | None] = {headers.EDGE_TOKEN: TOKENS[sample.token](), "Content-Type": "application/json"}
    status, _, body = await _answer(url, sample, {**given, **sample.headers})
    return Verdict(status, code_of(body), status == 200)


async def _answer(url: str, sample: Sample, given: dict[str, str | None]) -> tuple[int, Message, bytes]:
    """Status, headers and body of the answer to a sample on a connection of its own."""
    at = URL(url)
    sent = request_of(sample, at.authority, given)

    def ask_and_read() -> tuple[int, Message, bytes]:
        with socket.create_connection((at.host or "", at.port or 0), timeout=20) as connection:
            connection.sendall(sent)
            answer = HTTPResponse(connection, method=sample.method)
            answer.begin()
            return answer.status, answer.headers, answer.read()

    return await asyncio.to_thread(ask_and_read)


def request_of(sample: Sample, host: str, given: dict[str, str | None]) -> bytes:
    """The request on the wire; a header that is None is left out."""
    content = sample.content
    if content is not None:
        given |= {"Transfer-Encoding": "chunked"} if sample.chunked else {"Content-Length": str(len(content))}
        content = b"%x\r\n%b\r\n0\r\n\r\n" % (len(content), content) if sample.chunked else content
    lines = [
        f"{name}: {value}"
        for name, value in {"Host": host, **given, "Connection": "close"}.items()
        if value is not None
    ]
    head = f"{sample.method} {sample.path.replace(' ', '%20')} HTTP/1.1\r\n" + "\r\n".join(lines) + "\r\n\r\n"
    return head.encode() + (content or b"")


def code_of(body: bytes) -> str:
    """The code in an error of OpenAI's shape; empty where the body is something else."""
    try:
        return str(json.loads(body)["error"]["code"])
    except (ValueError, KeyError, TypeError):
        return ""


def _tampered() -> str:
    head, _, signature = EDGE.token().split(".")
    body = EDGE.token(agent="analyst").split(".")[1]
    return f"{head}.{body}.{signature}"


def _hmac_signed() -> str:
    """By hand: the library makes no such token."""
    head = base64url_encode(json.dumps({"alg": "HS256", "typ": "JWT", "kid": EDGE.kid}).encode())
    signed = head + b"." + base64url_encode(json.dumps(claims()).encode())
    key = json.dumps(EDGE.jwk).encode()
    return (signed + b"." + base64url_encode(hmac.digest(key, signed, "sha256"))).decode()


def _clock_ahead() -> str:
    ahead = int(time.time()) + token.LEEWAY_S - 2
    return EDGE.token(iat=ahead, exp=ahead + token.LIFETIME_S)


TOKENS: dict[str, Any] = {
    "good": EDGE.token,
    "none": lambda: None,
    "another agent's": lambda: EDGE.token(agent="analyst"),
    "unsigned": lambda: jwt.encode(claims(), "", algorithm="none", headers={"kid": EDGE.kid}),
    "signed by HMAC with the public key": _hmac_signed,
    "of another key": lambda: Edge(EDGE.kid).token(),
    "long-lived": lambda: EDGE.token(exp=int(time.time()) + 10 * token.LIFETIME_S),
    "short-lived": lambda: EDGE.token(exp=int(time.time()) + token.LIFETIME_S // 2),
    "of a clock a little ahead": _clock_ahead,
    "expired": lambda: EDGE.token(iat=int(time.time()) - 86_460, exp=int(time.time()) - 86_400),
    "tampered with": _tampered,
    "for nobody": lambda: EDGE.token(aud=None),
}


async def ask(sample: Sample, edge: DeployedEdge) -> Verdict:
    """What its layer makes of a sample."""
    async with asyncio.timeout(30):
        match sample.layer:
            case "gateway":
                return await ask_gateway(sample)
            case "door":
                return await ask_door(sample)
            case _:
                return await ask_edge(edge, sample)
