"""The local Cloudflare the plugin's tests deploy to: one for all of them, as a program of its own."""

import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import httpx
import pytest

from tests.infra.local.cloudflare.conftest import free_port

START_TIMEOUT = 30.0


@dataclass
class LocalCloudflare:
    """Its addresses, and a client of the test's own."""

    api: str
    edge: str
    http: httpx.Client

    def result(self, path: str) -> Any:
        """What the API answers to a GET."""
        return self.http.get(f"{self.api}{path}").raise_for_status().json()["result"]

    def wait(self, process: "subprocess.Popen[bytes]") -> None:
        deadline = time.monotonic() + START_TIMEOUT
        while process.poll() is None and time.monotonic() < deadline:
            try:
                self.http.get(self.api.replace("/client/v4", "/healthz")).raise_for_status()
            except httpx.TransportError:
                time.sleep(0.05)
            else:
                return
        raise AssertionError("the local Cloudflare didn't start; its own output says why")


@pytest.fixture(scope="session")
def local(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalCloudflare]:
    """Every test uses an account and a zone of its own name."""
    api, worker = free_port(), free_port()
    ports = ["--api-port", str(api), "--worker-port", str(worker)]
    command = [sys.executable, "-m", "infra.local.cloudflare", "--state", str(tmp_path_factory.mktemp("local")), *ports]
    process = subprocess.Popen(command)
    with httpx.Client(trust_env=False, headers={"Authorization": "Bearer test"}) as http:
        running = LocalCloudflare(f"http://127.0.0.1:{api}/client/v4", f"http://127.0.0.1:{worker}", http)
        try:
            running.wait(process)
            yield running
        finally:
            process.terminate()
            process.wait(20)
