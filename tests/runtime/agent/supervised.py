"""The supervisor as a program, with programs of a test's own to look after: `… supervised FOLDER`.

`FOLDER/plan.json` says how: `token` (in the arguments and the environment of all that is started), `children` (names,
in order), `grace_s`, `prove_s`, `stop_s`, `stable_s`, `wait_s`, `bad` (a child's name: what it proves is of no use),
`prepare` and `hand_over` (what these steps do, by name: "", "fail" or "hang").
"""

import asyncio
import json
import logging
import sys
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import uvloop
from aiohttp import web

from runtime.agent.failures import AgentError, ModelError
from runtime.agent.metrics import Metrics
from runtime.agent.ops import ops_application
from runtime.agent.supervisor.guard import guarded
from runtime.agent.supervisor.readiness import Readiness, volume_usage
from runtime.agent.supervisor.reason import exit_status
from runtime.agent.supervisor.restarts import Patience
from runtime.agent.supervisor.spec import ChildSpec, HandOver, Preparation
from runtime.agent.supervisor.supervisor import Supervisor
from runtime.contract import errors
from runtime.http.answers import RefusedError, answer
from runtime.http.lifecycle import LIFECYCLE, Lifecycle
from runtime.http.log import configure, event
from runtime.http.server import listen
from tests.waiting import until

TROUBLED = Path(__file__).parent / "troubled.py"
STREAM = "/stream/{events}"
NOISE = "PROMPT"
MARK = "TEST_RUN"

_log = logging.getLogger("test")


def lines(path: Path) -> list[str]:
    return path.read_text().splitlines() if path.exists() else []


def child(folder: Path, name: str, plan: dict[str, Any]) -> ChildSpec:
    starts = 0

    def is_ready() -> bool:
        """Is the process ready that noted its pid at the last start?"""
        noted = lines(folder / f"{name}.starts")[starts - 1 :]
        return bool(noted) and noted[0] in lines(folder / f"{name}.ready")

    async def prove() -> None:
        nonlocal starts
        starts += 1
        await until(is_ready, f"{name} is ready", plan.get("prove_s", 60) + 1)
        if plan.get("bad") == name:
            raise ModelError(f"{name} is of no use")

    async def watch() -> None:
        await asyncio.Event().wait()

    return ChildSpec(
        name=name,
        command=(sys.executable, "-S", str(TROUBLED), str(folder), name, plan["token"]),
        environ={MARK: plan["token"]},
        cwd=folder,
        is_noise=lambda line: NOISE in line,
        prove=prove,
        watch=watch,
        prove_s=plan.get("prove_s", 60),
        stop_s=plan.get("stop_s", 1),
    )


def step(folder: Path, name: str, does: str) -> Callable[[], Awaitable[None]]:
    async def run() -> None:
        with (folder / "steps").open("a") as out:
            out.write(f"{name}\n")
        if does == "fail":
            raise AgentError(f"{name} failed")
        if does == "hang":
            await asyncio.Event().wait()

    return run


def stream(supervisor: Supervisor, lifecycle: Lifecycle) -> Callable[[web.Request], Awaitable[web.StreamResponse]]:
    """So many events, one each 20 ms; cut, it says so and ends."""

    async def handle(request: web.Request) -> web.StreamResponse:
        if not supervisor.ready:
            raise RefusedError(errors.NOT_READY)
        out = web.StreamResponse(headers={"Content-Type": "text/event-stream"})
        await out.prepare(request)
        for number in range(int(request.match_info["events"])):
            await out.write(f"data: {number}\n\n".encode())
            try:
                async with asyncio.timeout(0.02):
                    await lifecycle.cutting.wait()
            except TimeoutError:
                continue
            await out.write(b'data: {"error": "cut"}\n\n')
            return out
        await out.write(b"data: [DONE]\n\n")
        return out

    return handle


async def serve(folder: Path) -> None:
    plan = json.loads((folder / "plan.json").read_text())
    lifecycle = Lifecycle()
    lifecycle.stop_on_signals()
    names = plan["children"]
    metrics = Metrics(tuple(names), lambda: volume_usage(folder))
    supervisor = Supervisor(
        lifecycle,
        [child(folder, name, plan) for name in names],
        preparations=[
            Preparation(name=name, run=step(folder, name, does)) for name, does in plan.get("prepare", {}).items()
        ],
        hand_over=[
            HandOver(name=n, run=step(folder, n, does), limit_s=0.3) for n, does in plan.get("hand_over", {}).items()
        ],
        on_restart=metrics.child_restart,
        patience=Patience(stable_s=plan.get("stable_s", 300), first_wait_s=plan.get("wait_s", 0.01)),
        grace_s=plan.get("grace_s", 30),
    )
    readiness = Readiness(supervisor.parts())
    app = web.Application(middlewares=[answer])
    app[LIFECYCLE] = lifecycle
    app.router.add_get(STREAM, stream(supervisor, lifecycle))
    door = await listen(app, "127.0.0.1", 0)
    ops = await listen(ops_application(supervisor.heartbeat, readiness, metrics), "127.0.0.1", 0)
    event(_log, logging.INFO, "serving", door=door.addresses[0][1], ops=ops.addresses[0][1])
    try:
        await supervisor.run()
    finally:
        await door.cleanup()
        await ops.cleanup()


def main() -> int:
    configure("agent")
    folder = Path(sys.argv[1])
    return exit_status(lambda: uvloop.run(serve(folder)), folder / "termination-log")


if __name__ == "__main__":
    sys.exit(guarded(main))
