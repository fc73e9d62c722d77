"""A region that is lost under load: who is carried on elsewhere, how soon, and who is not and why."""

import json
import os
import signal
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from threading import Event
from typing import Any

import httpx
import pytest

from infra.local.cluster.cgroups import group_processes
from infra.local.machine import Mode
from infra.local.orphans import instance_processes
from infra.local.region import LocalRegion
from runtime.contract import errors, paths
from runtime.model.script import ASK_COUNT
from tests.e2e.conftest import PROJECT
from tests.e2e.fleet import Fleet
from tests.waiting import eventually

pytestmark = [pytest.mark.cluster, pytest.mark.timeout(600)]

SLOTS = {"sin": 4, "jkt": 5}
AGENTS = {"acme": "helper", "globex": "analyst"}
CARRIED_ON_WITHIN_S = 60
"""Seconds until a customer with another region is answered again: the age at which the edge's records are read anew."""


@dataclass(frozen=True)
class Asked:
    """One chat: when it was asked, how long it took, and what came of it."""

    at: float
    seconds: float
    status: int
    code: str


@pytest.fixture(scope="module")
def fleet() -> Iterator[Fleet]:
    """Two regions whose pods run; what an interrupted run left is cleared first."""
    made = Fleet({name: LocalRegion(PROJECT / f".state-{slot}", slot, Mode.REAL) for name, slot in SLOTS.items()})
    made.down()
    try:
        made.start()
        made.up()
        yield made
    finally:
        made.down()


def chat(fleet: Fleet, tenant: str, text: str = "Who are you?", **more: Any) -> dict[str, Any]:
    """A customer's chat, as httpx takes it."""
    key = fleet.clouds.credentials.api_key(tenant).file.read_text()
    body = {"model": AGENTS[tenant], "messages": [{"role": "user", "content": text}], **more}
    return {
        "url": f"{fleet.clouds.edge_url}{paths.CHAT_COMPLETIONS}",
        "json": body,
        "headers": {"authorization": f"Bearer {key}"},
    }


def ask(client: httpx.Client, fleet: Fleet, tenant: str) -> Asked:
    """Ask once."""
    began = time.monotonic()
    answer = client.post(**chat(fleet, tenant))
    code = "" if answer.is_success else str(answer.json()["error"]["code"])
    return Asked(began, time.monotonic() - began, answer.status_code, code)


def is_answered(client: httpx.Client, fleet: Fleet, tenant: str) -> bool:
    """Whether a customer's chat is answered now."""
    return ask(client, fleet, tenant).status == 200


def keep_asking(fleet: Fleet, tenant: str, until: Event) -> list[Asked]:
    """Ask one thing after the other until told to stop."""
    asked = []
    with httpx.Client(timeout=90, trust_env=False) as client:
        while not until.is_set():
            asked.append(ask(client, fleet, tenant))
    return asked


def last_event(fleet: Fleet, tenant: str, begun: Event) -> str:
    """The last event of a long stream; `begun` is set with the first."""
    events: list[str] = []
    with (
        httpx.Client(timeout=120, trust_env=False) as client,
        client.stream("POST", **chat(fleet, tenant, ASK_COUNT, stream=True, max_completion_tokens=20_000)) as answer,
    ):
        for line in answer.iter_lines():
            if line.startswith("data: "):
                events.append(line.removeprefix("data: "))
                begun.set()
    return events[-1]


def lose(region: LocalRegion) -> None:
    """Kill all there is of a region at once: its cluster, its pods, its way in."""
    running = {process.pid for process in instance_processes(region.state)}
    for pid in running | group_processes(region.addresses.cgroup):
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)


def test_a_lost_region_is_carried_on_where_it_may_be(fleet: Fleet) -> None:
    with httpx.Client(timeout=120, trust_env=False) as client:
        for tenant in AGENTS:
            eventually(partial(is_answered, client, fleet, tenant), f"{tenant} is answered", seconds=120)
    enough, begun = Event(), Event()
    with ThreadPoolExecutor() as pool:
        acme = [pool.submit(keep_asking, fleet, "acme", enough) for _ in range(2)]
        cut = pool.submit(last_event, fleet, "globex", begun)
        try:
            assert begun.wait(60), "the stream begins"
            lost = time.monotonic()
            lose(fleet.regions["sin"])
            ending = cut.result(60)
            with httpx.Client(timeout=90, trust_env=False) as client:
                answered = partial(is_answered, client, fleet, "acme")
                eventually(answered, "acme is answered", seconds=CARRIED_ON_WITHIN_S)
                globex = ask(client, fleet, "globex")
        finally:
            enough.set()
        asked = [one for each in acme for one in each.result(120)]

    after = [one for one in asked if one.at >= lost]
    failed = [one for one in asked if one.at + one.seconds > lost and one.status != 200]
    resumed = min(one.at + one.seconds for one in after if one.status == 200) - lost
    said = f"{len(asked)} chats of acme's, {len(failed)} failed ({sorted({one.code for one in failed})})"
    print(f"\na region lost under load: answered from the other after {resumed:.1f} s; {said}")  # noqa: T201  # to be seen
    assert all(one.status == 200 for one in asked if one.at + one.seconds <= lost)
    assert resumed < CARRIED_ON_WITHIN_S
    assert json.loads(ending)["error"]["code"] == errors.UPSTREAM_FAILED.code
    assert (globex.status, globex.code) == (errors.UPSTREAM_FAILED.status, errors.UPSTREAM_FAILED.code)
    why = {tenant: fleet.engines[tenant].stack_output()["when_lost"]["sin"] for tenant in AGENTS}
    print(f"{json.dumps(why, indent=2)}")  # noqa: T201  # to be seen
    assert "carried on in jkt" in why["acme"]
    assert "residency allows no other" in why["globex"]
