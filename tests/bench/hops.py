"""What each hop of ours carries alone, beside nginx doing the same proxying: `python -m tests.bench.hops`.

All sides proxy to one upstream that answers a fixed small body at once (an nginx of its own), without buffering the
answer; the same load asks each in turns, round by round, so that all meet the same machine. A side is one process with
one thread. nginx checks no token and writes no line in a log: what a hop of ours does beyond passing bytes on is part
of its figure. The gateway keeps its connections to agents, as nginx does; an agent's door makes one for each request.
"""

import json
import os
import socket
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, ExitStack, contextmanager
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from string import Template

import psutil
from rich.console import Console

from infra.local.packages import ensure_packages
from infra.local.progress import Steps
from infra.local.status import table
from runtime.contract import env, paths
from tests.loopback import free_ports
from tests.runtime.serving import BODY, EDGE, LOOPBACK
from tests.waiting import eventually

PACKAGES = ("nginx", "wrk")
CONNECTIONS = 16
ROUNDS = 5
SECONDS = 3
"""A round's load on a side; less than an edge token lives."""
WARM_UP_S = 1
MIB = 1024 * 1024
FLOOR = "nginx"
"""The side all others are compared with."""
PROXIES = {FLOOR: '""', "nginx, a connection a request": "close"}
"""How nginx proxies: by name, the `Connection` header it sends on."""
HOPS = {"gateway": "tests.bench.gateway_alone", "agent's door": "tests.bench.door_alone"}
"""Our programs, by name."""

ANSWER = {
    "id": "chatcmpl-1",
    "object": "chat.completion",
    "created": 1_800_000_000,
    "model": "tiny",
    "choices": [{"index": 0, "message": {"role": "assistant", "content": "I am a model."}, "finish_reason": "stop"}],
    "usage": {"prompt_tokens": 12, "completion_tokens": 5, "total_tokens": 17},
}

NGINX = Template("""
daemon off; master_process off; worker_processes 1; pid $folder/nginx.pid;
events { worker_connections 1024; }
http {
  access_log off;
  client_body_temp_path $folder/body; proxy_temp_path $folder/proxy; fastcgi_temp_path $folder/fastcgi;
  uwsgi_temp_path $folder/uwsgi; scgi_temp_path $folder/scgi;
  keepalive_requests 1000000000;
  $server
}
""")
UPSTREAM = Template("""
  server { listen $host:$port; location / { default_type application/json; return 200 '$answer'; } }
""")
PROXY = Template("""
  upstream next { server $host:$next_port; keepalive 64; keepalive_requests 1000000000; }
  server {
    listen $host:$port;
    location / {
      proxy_pass http://next; proxy_http_version 1.1; proxy_set_header Connection $connection;
      proxy_buffering off; proxy_request_buffering off;
    }
  }
""")
LOAD = Template("""
wrk.method = "POST"
wrk.body = $body
wrk.headers["Content-Type"] = "application/json"
$headers
function done(summary, latency, requests)
  local failed = summary.errors
  io.stderr:write(string.format(
    '{"requests":%d,"microseconds":%d,"failed":%d,"p50":%d,"p99":%d}', summary.requests, summary.duration,
    failed.connect + failed.read + failed.write + failed.status + failed.timeout,
    latency:percentile(50), latency:percentile(99)))
end
""")


@dataclass(frozen=True)
class Load:
    """What one side carried in one round: requests a second, and milliseconds a request took."""

    rate: float
    p50: float
    p99: float


@dataclass
class Side:
    """One way to the upstream: where it listens, the process that is measured, and its rounds."""

    name: str
    port: int
    pid: int
    rounds: list[Load] = field(default_factory=list)
    resident: int = 0
    """Bytes resident after all rounds."""


def main() -> None:
    """Compare, and print the table."""
    hops(Steps(), Console())


def hops(steps: Steps, console: Console) -> None:
    """Compare the hops with nginx and print what came of it."""
    with steps.step("our hops alone, beside nginx") as step, tempfile.TemporaryDirectory() as folder:
        ensure_packages(PACKAGES, step)
        sides = compare(Path(folder))
    columns = ("way", "requests/s", "of nginx's", "p50 ms", "p99 ms", "resident")
    title = f"Proxying a small answer, {CONNECTIONS} connections, median of {ROUNDS} rounds of {SECONDS} s"
    floor = next(side for side in sides if side.name == FLOOR)
    console.print(table(title, columns, [row(side, floor) for side in sides]))


def compare(folder: Path) -> list[Side]:
    """The upstream itself, nginx before it, and each hop of ours before it, all through the same rounds."""
    with ExitStack() as stack:
        sides = list(started(folder, stack))
        for side in sides:
            eventually(partial(listens, side.port), f"{side.name} listens; see {folder}", every=0.1)
            load(side, folder, WARM_UP_S)
        for _ in range(ROUNDS):
            for side in sides:
                side.rounds.append(load(side, folder, SECONDS))
        for side in sides:
            side.resident = psutil.Process(side.pid).memory_info().rss
    return sides


def started(folder: Path, stack: ExitStack) -> Iterator[Side]:
    """Start every side; the stack ends them."""
    upstream_port, *others = free_ports(1 + len(PROXIES) + len(HOPS))
    proxy_ports, hop_ports = others[: len(PROXIES)], others[len(PROXIES) :]
    upstream = UPSTREAM.substitute(host=LOOPBACK, port=upstream_port, answer=json.dumps(ANSWER))
    yield Side("upstream, direct", upstream_port, stack.enter_context(nginx(folder / "upstream", upstream)))
    for (name, connection), port in zip(PROXIES.items(), proxy_ports, strict=True):
        server = PROXY.substitute(host=LOOPBACK, port=port, next_port=upstream_port, connection=connection)
        yield Side(name, port, stack.enter_context(nginx(folder / str(port), server)))
    for (name, module), port in zip(HOPS.items(), hop_ports, strict=True):
        command = [sys.executable, "-m", module, str(port), str(upstream_port)]
        yield Side(name, port, stack.enter_context(running(command, {**os.environ, env.EDGE_KEYS: EDGE.jwks})))


def nginx(folder: Path, server: str) -> AbstractContextManager[int]:
    """An nginx of the bench's own that serves `server`."""
    folder.mkdir()
    config = folder / "nginx.conf"
    config.write_text(NGINX.substitute(folder=folder, server=server))
    return running(["nginx", "-e", str(folder / "error.log"), "-c", str(config)], os.environ)


@contextmanager
def running(command: Sequence[str], environ: Mapping[str, str]) -> Iterator[int]:
    """A program without a word on the terminal, killed at the end; yields its process id."""
    with subprocess.Popen(command, env=environ, stdout=subprocess.DEVNULL) as process:
        try:
            yield process.pid
        finally:
            process.kill()


def listens(port: int) -> bool:
    """Does somebody take connections there?"""
    try:
        socket.create_connection((LOOPBACK, port), timeout=1).close()
    except OSError:
        return False
    return True


def load(side: Side, folder: Path, seconds: int) -> Load:
    """Ask a side as fast as it answers. Raises RuntimeError when one answer was not good: then no figure is."""
    headers = [f"wrk.headers[{json.dumps(name)}] = {json.dumps(value)}" for name, value in EDGE.headers().items()]
    script = folder / "load.lua"
    script.write_text(LOAD.substitute(body=json.dumps(BODY.decode()), headers="\n".join(headers)))
    url = f"http://{LOOPBACK}:{side.port}{paths.CHAT_COMPLETIONS}"
    command = [
        "wrk",
        "--threads=1",
        f"--connections={CONNECTIONS}",
        f"--duration={seconds}s",
        f"--script={script}",
        url,
    ]
    said = subprocess.run(command, check=True, capture_output=True, text=True).stderr
    return read_load(side.name, said)


def read_load(name: str, said: str) -> Load:
    """What the load's script said of one round. Raises RuntimeError when a request failed."""
    found = json.loads(said)
    if found["failed"] or not found["requests"]:
        raise RuntimeError(f"{name}: {found['failed']} of {found['requests']} requests failed")
    rate = found["requests"] / (found["microseconds"] / 1e6)
    return Load(rate, found["p50"] / 1000, found["p99"] / 1000)


def row(side: Side, floor: Side) -> tuple[str, ...]:
    """A side's medians; its ratio to the floor is the median of each round's own."""
    ratio = statistics.median(ours.rate / theirs.rate for ours, theirs in zip(side.rounds, floor.rounds, strict=True))
    rate, p50, p99 = (statistics.median(getattr(one, what) for one in side.rounds) for what in ("rate", "p50", "p99"))
    return side.name, f"{rate:.0f}", f"{ratio:.2f}", f"{p50:.2f}", f"{p99:.2f}", f"{side.resident / MIB:.0f} MiB"


if __name__ == "__main__":
    main()
