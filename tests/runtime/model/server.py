"""The real model server, beside a store, for one test."""

import os
import signal
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import psutil
import pytest

from infra.local.tools import Tools
from runtime.agent.ollama import HOST, PROGRAM, environment
from runtime.agent.settings import AgentSettings
from tests.waiting import eventually


def program() -> Path:
    """The model server's program."""
    found = Tools().resolve("ollama").path
    if found is None:
        pytest.fail("no model server: run `moltghost prepare --tests` first")
    return found


@dataclass(frozen=True)
class Server:
    """A running model server, and a client of its API."""

    client: httpx.Client
    process: psutil.Process

    def loaded(self) -> list[dict[str, Any]]:
        """The models in memory."""
        found: list[dict[str, Any]] = self.client.get("/api/ps").json()["models"]
        return found

    def runner(self) -> psutil.Process:
        """The process that computes."""
        [runner] = [child for child in self.process.children() if "runner" in child.cmdline()]
        return runner


@contextmanager
def serving(settings: AgentSettings) -> Iterator[Server]:
    """Run the model server as an agent runs it."""
    told = environment(settings, os.defpath)
    settings.places.data.joinpath("ollama").mkdir(exist_ok=True)
    log = settings.places.data / "ollama.log"
    with log.open("ab") as out:
        process = subprocess.Popen(
            [program().parent / PROGRAM, "serve"], env=told, stdout=out, stderr=out, start_new_session=True
        )
    url = f"http://{HOST}:{settings.ports.ollama}"
    try:
        with httpx.Client(base_url=url, timeout=60, trust_env=False) as client:
            eventually(lambda: process.poll() is not None or _is_up(client), f"the model server is up: {log}")
            assert process.poll() is None, log.read_text()
            yield Server(client, psutil.Process(process.pid))
    finally:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()


def _is_up(client: httpx.Client) -> bool:
    try:
        return client.get("/api/version").status_code == 200
    except httpx.TransportError:
        return False
