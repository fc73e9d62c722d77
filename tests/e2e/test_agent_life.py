"""How an agent ends, and how it comes back: orderly, and after each of its programs was killed."""

import json
import os
import signal
import time
import uuid
from collections import Counter
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from threading import Event
from typing import Any

import httpx
import pytest

from infra.local.cluster.cgroups import group_processes
from infra.local.region import LocalRegion
from runtime.contract import errors, limits, paths, ports
from runtime.model.script import ASK_COLOUR, ASK_COUNT, tell_colour
from runtime.receipts import Outcome
from tests.e2e.asking import answers, say
from tests.e2e.conftest import Cluster, Customer
from tests.e2e.receipts import copy_book
from tests.waiting import eventually

pytestmark = [pytest.mark.cluster, pytest.mark.timeout(400)]

PROCESSES = """
import json, os, pathlib
found = []
for entry in pathlib.Path("/proc").iterdir():
    if entry.name.isdigit() and int(entry.name) != os.getpid():
        try:
            stat = (entry / "stat").read_text().rpartition(")")[2].split()
            command = (entry / "cmdline").read_text().replace("\\0", " ").strip()
        except OSError:
            continue
        found.append({"pid": int(entry.name), "parent": int(stat[1]), "started": stat[19], "command": command})
print(json.dumps(found))
"""
KILL = "import os, signal, sys; os.kill(int(sys.argv[1]), signal.SIGKILL); print('0')"
GET = """
import json, sys, urllib.request
with urllib.request.urlopen(sys.argv[1], timeout=5) as answer:
    print(json.dumps(answer.read().decode()))
"""
STREAMS, SHORT = 10, 3
ENDLESS = 100_000
"""Tokens, more than fit into the model's context."""


@dataclass(frozen=True)
class Process:
    """A process of an agent's pod; `started` in ticks since the machine's own start."""

    pid: int
    parent: int
    started: str
    command: str


@pytest.fixture
def sound(region: LocalRegion, cluster: Cluster, globex: Customer, tmp_path: Path) -> Callable[[], None]:
    """A check that history and receipts are whole: a user's told before the test is remembered, the book verifies."""
    user = f"user-{uuid.uuid4()}"
    say(globex, tell_colour("blue"), user)
    kept = {receipt["hash"] for receipt in copy_book(region, cluster, globex, tmp_path).receipts}

    def check() -> None:
        assert say(globex, ASK_COLOUR, user).strip() == "You said blue."
        book = copy_book(region, cluster, globex, tmp_path)
        verdict = book.verify()
        assert verdict.returncode == 0, verdict.stderr
        assert kept <= {receipt["hash"] for receipt in book.receipts}, "a receipt was lost"

    return check


def processes(cluster: Cluster, customer: Customer) -> list[Process]:
    return [Process(**one) for one in cluster.in_agent(customer, PROCESSES)]


def below(all_: list[Process], top: Process) -> list[Process]:
    """A process and its descendants."""
    children = [one for one in all_ if one.parent == top.pid]
    return [top, *(each for child in children for each in below(all_, child))]


def child(all_: list[Process], name: str) -> Process:
    """The supervisor's own child of this name."""
    (found,) = [one for one in all_ if one.parent == 1 and name in one.command]
    return found


def await_recovery(customer: Customer, what: str, since: float) -> None:
    eventually(lambda: answers(customer), f"it answers again after {what}", seconds=120, every=0.2)
    print(f"\nrecovered from {what} in {time.monotonic() - since:.1f} s")  # noqa: T201  # it is to be seen


def restarts(cluster: Cluster, customer: Customer, name: str) -> float:
    """How often the supervisor has started a child again, by its metrics."""
    url = f"http://127.0.0.1:{ports.AGENT_OPS}{paths.METRICS}"
    line = f'moltghost_agent_child_restarts_total{{child="{name}"}} '
    (found,) = [one for one in cluster.in_agent(customer, GET, url).splitlines() if one.startswith(line)]
    return float(found.removeprefix(line))


# The first, since it leaves a new agent: below, none of the failures in a row that end one is another test's.
def test_streams_end_whole_or_say_that_they_do_not(
    region: LocalRegion, cluster: Cluster, globex: Customer, sound: Callable[[], None], tmp_path: Path
) -> None:
    def cut_ones() -> int:
        book = copy_book(region, cluster, globex, tmp_path)
        return [receipt["outcome"] for receipt in book.receipts].count(Outcome.CUT)

    before, old, cut_before = cluster.await_agent(globex), cluster.pod_name(globex), cut_ones()
    # All but the first few speak as long as they may, one after the other: more than there is time for.
    lengths = [40] * SHORT + [ENDLESS] * (STREAMS - SHORT)
    begun = [Event() for _ in lengths]
    with ThreadPoolExecutor(STREAMS) as pool:
        streams = [pool.submit(stream, globex, length, event) for length, event in zip(lengths, begun, strict=True)]
        assert all(one.wait(60) for one in begun)
        stopped = time.monotonic()
        cluster.kubectl("delete", "pod", old, "-n", globex.namespace, "--wait=false")
        ends = [ending(one) for one in streams]
    took = time.monotonic() - stopped
    print(f"\nstreams ended in {took:.1f} s: {Counter(ends)}")  # noqa: T201  # it is to be seen
    assert set(ends) == {"[DONE]", errors.STOPPING.code}
    assert took < limits.TERMINATION_GRACE_S
    cluster.await_agent(globex, other_than=before)
    await_recovery(globex, "SIGTERM", stopped)
    assert cut_ones() == cut_before + ends.count(errors.STOPPING.code), "the receipts say so too"
    sound()


@pytest.mark.parametrize("name", ["ollama", "openclaw"])
def test_a_killed_program_comes_back_and_leaves_nothing(
    cluster: Cluster, globex: Customer, sound: Callable[[], None], name: str
) -> None:
    pod, before = cluster.await_agent(globex), restarts(cluster, globex, name)
    running = processes(cluster, globex)
    doomed = below(running, child(running, name))
    killed = time.monotonic()
    cluster.in_agent(globex, KILL, str(doomed[0].pid))
    eventually(lambda: restarts(cluster, globex, name) == before + 1, "the restart is counted", seconds=30, every=0.2)
    await_recovery(globex, f"the end of {name}", killed)

    left = processes(cluster, globex)
    assert [one for one in left if (one.pid, one.started) in {(was.pid, was.started) for was in doomed}] == []
    assert len([one for one in left if one.parent == 1]) == 2, f"nobody but the two children: {left}"
    sound()
    assert cluster.await_agent(globex) == pod, "the pod is the same"


def test_a_killed_supervisor_comes_back_and_leaves_nothing(
    region: LocalRegion, cluster: Cluster, globex: Customer, sound: Callable[[], None]
) -> None:
    pod = cluster.await_agent(globex)
    ours = pod_processes(region, pod)
    (supervisor,) = [pid for pid in ours if inner_pid(pid) == 1 and b"runtime.agent" in command_of(pid)]
    container = {pid for pid in ours if namespace_of(pid) == namespace_of(supervisor)}
    assert len(container) > 2
    killed = time.monotonic()
    os.kill(supervisor, signal.SIGKILL)
    eventually(lambda: not (container & pod_processes(region, pod)), "everything in the pod ends with it", seconds=10)
    await_recovery(globex, "the end of the supervisor", killed)
    sound()
    assert cluster.await_agent(globex) == pod
    (status,) = cluster.pods(globex)[0]["status"]["containerStatuses"]
    assert status["lastState"]["terminated"]["exitCode"] == 128 + signal.SIGKILL


def pod_processes(region: LocalRegion, uid: str) -> set[int]:
    """Processes of a pod, as the host counts them."""
    return {pid for pid in group_processes(region.addresses.cgroup) if uid in read(pid, "cgroup").decode()}


def read(pid: int, name: str) -> bytes:
    try:
        return Path(f"/proc/{pid}/{name}").read_bytes()
    except OSError:
        return b""


def command_of(pid: int) -> bytes:
    return read(pid, "cmdline")


def inner_pid(pid: int) -> int:
    """Its id in the innermost namespace it lives in."""
    line = next((line for line in read(pid, "status").splitlines() if line.startswith(b"NSpid")), b"0")
    return int(line.split()[-1])


def namespace_of(pid: int) -> str:
    try:
        return str(Path(f"/proc/{pid}/ns/pid").readlink())
    except OSError:
        return ""


def stream(customer: Customer, tokens: int, begun: Event) -> list[str]:
    """Ask for so many tokens; the data of all events of the answer."""
    body: dict[str, Any] = {"model": customer.agent, "stream": True, "max_completion_tokens": tokens}
    body["messages"] = [{"role": "user", "content": ASK_COUNT}]
    key = {"authorization": f"Bearer {customer.api_key}"}
    url = f"{customer.edge_url}{paths.CHAT_COMPLETIONS}"
    with httpx.stream("POST", url, json=body, headers=key, timeout=120, trust_env=False) as answer:
        assert answer.status_code == 200, answer.read()
        begun.set()
        return [line.removeprefix("data: ") for line in answer.iter_lines() if line.startswith("data: ")]


def ending(answer: Future[list[str]]) -> str:
    """How a stream ended: `[DONE]`, or the code of the error it ended with."""
    last = answer.result(timeout=120)[-1]
    return last if last == "[DONE]" else str(json.loads(last).get("error", {}).get("code", f"cut short: {last}"))
