"""What the way through edge and gateway adds to a call of the model server, both sides measured in one run."""

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

ROUNDS = 10
REQUESTS = 120
"""A round's requests a side: 1,200 a side in all, taken in turns so that both meet the same machine."""
WARM_UP = 20

DIRECT = """
import http.client, json, sys, time
body, port, count = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
took = []
for _ in range(count):
    started = time.perf_counter()
    connection.request("POST", sys.argv[4], body, {"content-type": "application/json"})
    answer = connection.getresponse()
    answer.read()
    assert answer.status == 200, answer.status
    took.append(time.perf_counter() - started)
print(json.dumps(took))
"""


@dataclass(frozen=True)
class Latency:
    """Seconds a request took, from its first byte out to its last byte in."""

    seconds: list[float]

    def percentile(self, percent: int) -> float:
        """The `percent`th percentile, in milliseconds."""
        return 1000 * statistics.quantiles(self.seconds, n=100, method="inclusive")[percent - 1]


def body_for(model: str) -> str:
    """A chat that is answered with one token."""
    return json.dumps({"model": model, "max_tokens": 1, "messages": [{"role": "user", "content": "Who are you?"}]})


def through_the_edge(client: httpx.Client, tenant: TenantStatus, count: int) -> list[float]:
    """Seconds each request took through Worker, tunnel, gateway and supervisor."""
    took = []
    for _ in range(count):
        started = time.perf_counter()
        client.post(paths.CHAT_COMPLETIONS, content=body_for(tenant.agents[0])).raise_for_status()
        took.append(time.perf_counter() - started)
    return took


def direct(region: LocalRegion, kubectl: Path, tenant: TenantStatus, model: str, count: int) -> list[float]:
    """Seconds each request took from inside the pod, straight to the model server."""
    at = [str(kubectl), f"--kubeconfig={region.machine.kubeconfig}", "-n", tenant.namespace]
    selector = f"{labels.AGENT}={tenant.agents[0]}"
    pod = subprocess.check_output([*at, "get", "pods", "-l", selector, "-o", "name"], text=True).split()[0]
    script = ["python3", "-c", DIRECT, body_for(model), str(ports.OLLAMA), str(count), paths.CHAT_COMPLETIONS]
    took: list[float] = json.loads(subprocess.check_output([*at, "exec", pod, "--", *script], text=True))
    return took


def compare(region: LocalRegion, kubectl: Path, model: str) -> tuple[Latency, Latency]:
    """The direct way and the way through the edge, in turns."""
    tenant = region.tenants()[0]
    near: list[float] = []
    far: list[float] = []
    headers = {"authorization": f"Bearer {Path(tenant.key_file).read_text()}", "content-type": "application/json"}
    with httpx.Client(base_url=region.edge_url, headers=headers, timeout=60, trust_env=False) as client:
        through_the_edge(client, tenant, WARM_UP)
        direct(region, kubectl, tenant, model, WARM_UP)
        for _ in range(ROUNDS):
            near += direct(region, kubectl, tenant, model, REQUESTS)
            far += through_the_edge(client, tenant, REQUESTS)
    return Latency(near), Latency(far)
