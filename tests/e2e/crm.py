"""The customer's CRM, played by a server in the namespace that is the world outside."""

import json
import subprocess
import sys
import threading
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import Any

from infra.local.cluster import netns

ADDRESS, PORT = "192.31.196.10", 8080
"""Where the stack says the CRM is."""

SERVER = """
import json, sys
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

class Crm(BaseHTTPRequestHandler):
    def do_GET(self):
        print(json.dumps({"path": self.path, "authorization": self.headers.get("Authorization")}), flush=True)
        body = json.dumps({"id": "ACME-1", "name": "Acme Corporation", "status": "active"}).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *args):
        pass

server = ThreadingHTTPServer((sys.argv[1], int(sys.argv[2])), Crm)
print("serving", flush=True)
server.serve_forever()
"""


@contextmanager
def serving(world: str) -> Iterator[list[dict[str, Any]]]:
    """A CRM while this lasts; the list grows by each request it got."""
    command = netns.enter(world, [sys.executable, "-c", SERVER, ADDRESS, str(PORT)])
    requests: list[dict[str, Any]] = []
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as server:
        assert server.stdout is not None
        assert server.stdout.readline() == "serving\n"
        reading = threading.Thread(target=_collect, args=(server.stdout, requests))
        reading.start()
        try:
            yield requests
        finally:
            server.terminate()
            reading.join()


def _collect(lines: Iterable[str], into: list[dict[str, Any]]) -> None:
    # Drawn one by one: a test looks at what is there by now.
    into.extend(json.loads(line) for line in lines)
