"""A model server and a CRM on loopback that say what a test wants, and remember what they were asked."""

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any

Message = dict[str, Any]


def calling(tool: str, **arguments: str) -> Message:
    """What a model says that wants a tool to be run."""
    return {"role": "assistant", "content": "", "tool_calls": [{"function": {"name": tool, "arguments": arguments}}]}


def saying(text: str) -> Message:
    """What a model says that has an answer."""
    return {"role": "assistant", "content": text}


@dataclass
class Model:
    """Ollama's API for chats: `decide` tells from a request what to say."""

    decide: Callable[[dict[str, Any]], Message] = lambda _: saying("Hello.")
    asked: list[dict[str, Any]] = field(default_factory=list)

    def post(self, path: str, body: dict[str, Any]) -> tuple[int, bytes]:
        if path != "/api/chat":
            return 404, b"{}"
        self.asked.append(body)
        told = {"model": body["model"], "created_at": "2026-01-01T00:00:00Z"}
        end = {"message": saying(""), "done": True, "done_reason": "stop", "prompt_eval_count": 7, "eval_count": 7}
        lines = ({**told, "message": self.decide(body), "done": False}, {**told, **end})
        return 200, b"".join(json.dumps(line).encode() + b"\n" for line in lines)


@dataclass
class Crm:
    """A CRM of one answer."""

    answer: tuple[int, object] = (200, {})
    seen: list[tuple[str, str | None]] = field(default_factory=list)

    def get(self, path: str, authorization: str | None) -> tuple[int, bytes]:
        self.seen.append((path, authorization))
        status, body = self.answer
        return status, json.dumps(body).encode()


@contextmanager
def served(double: Model | Crm) -> Iterator[int]:
    """The port the double answers on."""

    class Api(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002  # the base class's name
            pass

        def do_GET(self) -> None:  # the base class's name
            if isinstance(double, Crm):
                self._send(*double.get(self.path, self.headers["Authorization"]))
            else:
                self._send(200, b'{"models": [], "version": "0"}')

        def do_POST(self) -> None:  # the base class's name
            body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            self._send(*double.post(self.path, body) if isinstance(double, Model) else (404, b""))

        def _send(self, status: int, body: bytes) -> None:
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

    with ThreadingHTTPServer(("127.0.0.1", 0), Api) as server:
        server.daemon_threads = True
        thread = Thread(target=server.serve_forever, daemon=True)
        thread.start()
        try:
            yield server.server_port
        finally:
            server.shutdown()
            thread.join()
