"""The local Cloudflare the plugin's tests deploy to: one for all of them, as a program of its own."""

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.loopback import free_ports
from tests.waiting import eventually


@dataclass
class LocalCloudflare:
    """Its addresses, and a client of the test's own."""

    api: str
    edge: str
    http: httpx.Client

    def result(self, path: str) -> Any:
        """What the API answers to a GET."""
        return self.http.get(f"{self.api}{path}").raise_for_status().json()["result"]

    def serves(self, process: "subprocess.Popen[bytes]") -> bool:
        """Whether it answers yet."""
        assert process.poll() is None, "the local Cloudflare ended; its own output says why"
        try:
            return self.http.get(self.api.replace("/client/v4", "/healthz")).is_success
        except httpx.TransportError:
            return False


@contextmanager
def running_local(folder: Path) -> Iterator[LocalCloudflare]:
    """A local Cloudflare whose state lies in `folder`, until the block ends."""
    api, worker = free_ports(2)
    ports = ["--api-port", str(api), "--worker-port", str(worker)]
    command = [sys.executable, "-m", "infra.local.cloudflare", "--state", str(folder), *ports]
    process = subprocess.Popen(command)
    with httpx.Client(trust_env=False, headers={"Authorization": "Bearer test"}) as http:
        running = LocalCloudflare(f"http://127.0.0.1:{api}/client/v4", f"http://127.0.0.1:{worker}", http)
        try:
            eventually(lambda: running.serves(process), "the local Cloudflare answers")
            yield running
        finally:
            process.terminate()
            process.wait(20)


@pytest.fixture(scope="session")
def local(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalCloudflare]:
    """Every test uses an account and a zone of its own name."""
    with running_local(tmp_path_factory.mktemp("local")) as running:
        yield running
