"""A model server that fails as a test tells it to. Installed as `ollama`; `plan.json` beside it says how.

Keys: `die` (message: `serve` ends with it at once), `refuse_create` (message), `refuse_chat` (message),
`context` (what it says the model was loaded with), `leave_behind` (it starts a process that ignores SIGTERM),
`deaths` (so many starts die before one works).
"""

import json
import os
import subprocess
import sys
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

HERE = Path(__file__).resolve().parent
STUBBORN = "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); print('x', flush=True); time.sleep(600)"
PLAN: dict[str, Any] = json.loads((HERE / "plan.json").read_text())


def note(name: str, text: str) -> int:
    """Append a line to a file beside this one; how many it has now."""
    path = HERE / name
    with path.open("a") as out:
        out.write(text + "\n")
    return len(path.read_text().splitlines())


class Api(BaseHTTPRequestHandler):
    """As much of the API as the supervisor asks for."""

    models: list[dict[str, Any]] = []  # noqa: RUF012  # one server a process

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002  # the base class's name
        pass

    def do_GET(self) -> None:  # the base class's name
        loaded = [{**model, "context_length": PLAN["context"]} for model in self.models]
        made = (HERE / "created").exists()
        answers: dict[str, dict[str, Any]] = {
            "/api/version": {"version": "0"},
            "/api/tags": {"models": [{"name": "tiny:latest", "digest": "d1"}] if made else []},
            "/api/ps": {"models": loaded},
        }
        self.answer(200, answers[self.path])

    def do_POST(self) -> None:  # the base class's name
        self.rfile.read(int(self.headers["Content-Length"]))
        note("calls", self.path)
        if self.path == "/v1/chat/completions":
            if "refuse_chat" in PLAN:
                return self.answer(500, {"error": {"message": PLAN["refuse_chat"]}})
            Api.models = [{"name": "tiny:latest"}]
        return self.answer(200, {"choices": [{}]})

    def answer(self, status: int, body: dict[str, Any]) -> None:
        data = json.dumps(body).encode()
        self.send_response(status)
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)


def serve() -> None:
    starts = note("starts", str(os.getpid()))
    if "die" in PLAN and starts <= PLAN.get("deaths", 1000):
        sys.exit(PLAN["die"])
    if PLAN.get("leave_behind"):
        child = subprocess.Popen([sys.executable, "-c", STUBBORN], stdout=subprocess.PIPE)
        assert child.stdout is not None
        child.stdout.readline()
        note("children", str(child.pid))
    host, port = os.environ["OLLAMA_HOST"].split(":")
    HTTPServer((host, int(port)), Api).serve_forever()


if __name__ == "__main__":
    if sys.argv[1] == "serve":
        serve()
    note("created", " ".join(sys.argv[2:]))
    if "refuse_create" in PLAN:
        sys.exit(PLAN["refuse_create"])
