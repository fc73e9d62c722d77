"""The chat `up` sends, and the lines it prints for people."""

import ast
import json
import shlex
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from infra.local.chat import ChatFailedError, curl_line, sdk_snippet, stream_chat
from runtime.contract import paths

STREAM = (
    b'data: {"choices":[{"delta":{"role":"assistant","content":"Hello"}}]}\n\n'
    b": a comment\n\n"
    b'data: {"choices":[{"delta":{"content":" there"}}]}\n\n'
    b'data: {"choices":[{"delta":{},"finish_reason":"stop"}]}\n\n'
    b'data: {"choices":[]}\n\ndata: [DONE]\n\n'
)


class Edge(BaseHTTPRequestHandler):
    """Streams to the key `good`, refuses any other."""

    def do_POST(self) -> None:
        asked = json.loads(self.rfile.read(int(self.headers["content-length"])))
        good = self.headers["authorization"] == "Bearer good" and self.path == paths.CHAT_COMPLETIONS
        body = STREAM if good and asked["stream"] and asked["model"] == "helper" else b'{"error": "no"}'
        self.send_response(200 if body is STREAM else 401)
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Keep quiet."""


@pytest.fixture
def edge() -> Iterator[str]:
    with ThreadingHTTPServer(("127.0.0.1", 0), Edge) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()
        thread.join()


def test_the_answer_comes_in_pieces(edge: str) -> None:
    assert list(stream_chat(edge, "good", "helper", "hi")) == ["Hello", " there"]


def test_a_refusal_says_what_the_edge_said_and_never_the_key(edge: str) -> None:
    with pytest.raises(ChatFailedError, match=r"answered 401: .*no") as failure:
        list(stream_chat(edge, "mg_acme_secret", "helper", "hi"))
    assert "mg_acme_secret" not in str(failure.value)


def test_nobody_there_is_a_failure_of_its_own(edge: str) -> None:
    with pytest.raises(ChatFailedError, match=r"127\.0\.0\.1:9/.* failed: ConnectError"):
        list(stream_chat("http://127.0.0.1:9", "good", "helper", "hi"))


def test_the_lines_for_people_are_whole(tmp_path: Path) -> None:
    words = shlex.split(curl_line("http://127.0.0.1:1", tmp_path / "acme.key", "helper"))
    assert words[:3] == ["curl", "-N", f"http://127.0.0.1:1{paths.CHAT_COMPLETIONS}"]
    assert json.loads(words[-1])["model"] == "helper"
    snippet = sdk_snippet("http://127.0.0.1:1", tmp_path / "acme.key", "helper")
    ast.parse(snippet)
    assert "http://127.0.0.1:1/v1" in snippet
