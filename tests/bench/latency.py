"""What each part of a request's way adds to a call of the model server alone, all sides measured in one run."""

import json
import statistics
import subprocess
import time
from dataclasses import dataclass
from pathlib import Path

import httpx

from infra.local.region import LocalRegion
from infra.local.status import TenantStatus
from runtime.contract import labels, paths, ports
from tests.runtime.edge import Edge

ROUNDS = 10
REQUESTS = 20
"""A round's requests a side, 200 a side in all: taken in turns, so that all meet the same machine, and few enough that
one edge token outlives them."""
WARM_UP = 3

INSIDE = """
import http.client, json, sys, time
port, path, headers, body, count = int(sys.argv[1]), sys.argv[2], json.loads(sys.argv[3]), sys.argv[4], int(sys.argv[5])
connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
took = []
for _ in range(count):
    started = time.perf_counter()
    connection.request("POST", path, body, {"content-type": "application/json", **headers})
    answer = connection.getresponse()
    answer.read()
    assert answer.status == 200, answer.status
    took.append(time.perf_counter() - started)
print(json.dumps(took))
"""
"""Runs in the pod, where Python is at hand; its headers may hold an edge token, good for a minute and for that pod."""


@dataclass(frozen=True)
class Latency:
    """Seconds a request took, from its first byte out to its last byte in."""

    seconds: list[float]

    def percentile(self, percent: int) -> float:
        """The `percent`th percentile, in milliseconds."""
        return 1000 * statistics.quantiles(self.seconds, n=100, method="inclusive")[percent - 1]


def body_for(model: str) -> str:
    """A chat whose answer is the same whoever is asked."""
    return json.dumps({"model": model, "messages": [{"role": "user", "content": "Who are you?"}]})


class Ways:
    """The three ways to one agent: its model server alone, its door, and the edge."""

    def __init__(self, region: LocalRegion, kubectl: Path, model: str) -> None:
        self._region = region
        self._tenant: TenantStatus = region.tenants()[0]
        self._agent = self._tenant.agents[0]
        self._model = model
        self._kubectl = [str(kubectl), f"--kubeconfig={region.machine.kubeconfig}", "-n", self._tenant.namespace]
        selector = f"{labels.TENANT}={self._tenant.id},{labels.AGENT}={self._agent}"
        named = subprocess.check_output([*self._kubectl, "get", "pods", "-l", selector, "-o", "name"], text=True)
        (self._pod,) = named.split()

    def model_server(self, count: int) -> list[float]:
        """Seconds each request took from inside the pod, straight to the model server."""
        return self._inside(ports.OLLAMA, {}, self._model, count)

    def door(self, count: int) -> list[float]:
        """Seconds each request took from inside the pod, through supervisor and OpenClaw."""
        edge = Edge.of(self._region.credentials.signing_key())
        return self._inside(ports.AGENT, edge.headers(self._tenant.id, self._agent), self._agent, count)

    def edge(self, count: int) -> list[float]:
        """Seconds each request took through Worker, tunnel, gateway, supervisor and OpenClaw."""
        headers = {
            "authorization": f"Bearer {Path(self._tenant.key_file).read_text()}",
            "content-type": "application/json",
        }
        took = []
        with httpx.Client(base_url=self._region.edge_url, headers=headers, timeout=60, trust_env=False) as client:
            for _ in range(count):
                started = time.perf_counter()
                client.post(paths.CHAT_COMPLETIONS, content=body_for(self._agent)).raise_for_status()
                took.append(time.perf_counter() - started)
        return took

    def _inside(self, port: int, headers: dict[str, str], model: str, count: int) -> list[float]:
        asked = [str(port), paths.CHAT_COMPLETIONS, json.dumps(headers), body_for(model), str(count)]
        command = [*self._kubectl, "exec", self._pod, "--", "python3", "-c", INSIDE, *asked]
        took: list[float] = json.loads(subprocess.check_output(command, text=True))
        return took


def compare(region: LocalRegion, kubectl: Path, model: str) -> dict[str, Latency]:
    """Each way by what it is called in the table, the model server first."""
    ways = Ways(region, kubectl, model)
    sides = {
        "model server alone": ways.model_server,
        "supervisor → OpenClaw → model server": ways.door,
        "Worker → gateway → all of that": ways.edge,
    }
    took: dict[str, list[float]] = {name: [] for name in sides}
    for ask in sides.values():
        ask(WARM_UP)
    for _ in range(ROUNDS):
        for name, ask in sides.items():
            took[name] += ask(REQUESTS)
    return {name: Latency(seconds) for name, seconds in took.items()}
