"""An agent's door, asked from a gateway's pod: past the edge and the gateway, which would let little of it through."""

import base64
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from runtime.contract import ports
from tests.e2e.conftest import Cluster, Customer
from tests.runtime.agent.door.incidents import Attempt
from tests.runtime.edge import Edge

SCRIPT = """
import base64, http.client, json, socket, sys

def ask(raw):
    with socket.create_connection((sys.argv[1], int(sys.argv[2])), timeout=90) as connection:
        connection.sendall(raw)
        answer = http.client.HTTPResponse(connection, method=raw.split(b" ", 1)[0].decode())
        answer.begin()
        headers = {name.lower(): value for name, value in answer.getheaders()}
        return {"status": answer.status, "headers": headers, "body": answer.read().decode()}

print(json.dumps([ask(base64.b64decode(line)) for line in sys.stdin]))
"""


@dataclass(frozen=True)
class Answer:
    """What was answered; header names are in lower case."""

    status: int
    headers: dict[str, str]
    body: str

    @property
    def said(self) -> Any:
        """The body as JSON."""
        return json.loads(self.body)

    @property
    def code(self) -> str:
        """The code of the error it is."""
        return str(self.said["error"]["code"])


@dataclass(frozen=True)
class Door:
    """The door of one customer's agent; `edge` signs as the region's own edge does."""

    cluster: Cluster
    customer: Customer
    edge: Edge

    def good(self) -> dict[str, str]:
        """What the edge sends with a request for this agent."""
        return self.edge.headers(self.customer.tenant, self.customer.agent)

    def ask(self, attempt: Attempt, edge: Mapping[str, str] | None = None) -> Answer:
        """Ask once; `edge` stands for what the edge would send."""
        (answer,) = self.ask_all([attempt], edge)
        return answer

    def ask_all(self, attempts: Sequence[Attempt], edge: Mapping[str, str] | None = None) -> list[Answer]:
        """Ask one after the other, each on a connection of its own."""
        sent = dict(self.good() if edge is None else edge)
        lines = [base64.b64encode(attempt.bytes(sent)).decode() for attempt in attempts]
        answers = self.cluster.python(
            self.cluster.gateway_namespace,
            self.cluster.gateway_pod(),
            SCRIPT,
            self.cluster.pod_ip(self.customer),
            str(ports.AGENT),
            stdin="\n".join(lines),
        )
        return [Answer(**answer) for answer in answers]
