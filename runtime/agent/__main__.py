"""`python -m runtime.agent`: one agent, from its first preparation to its last child's end."""

import asyncio
import os
import sys
from collections.abc import Mapping
from contextlib import AsyncExitStack
from functools import partial
from pathlib import Path

import uvloop
from yarl import URL

from runtime.agent.door import Door, door_application
from runtime.agent.failures import AgentError
from runtime.agent.metrics import Metrics
from runtime.agent.model.answering import Answering
from runtime.agent.model.install import install_model
from runtime.agent.ollama import OllamaApi
from runtime.agent.openclaw.config import LOOPBACK
from runtime.agent.openclaw.probe import Probe
from runtime.agent.openclaw.process import Installed
from runtime.agent.openclaw.token import mint_token
from runtime.agent.ops import ops_application
from runtime.agent.programs import NAMES, Programs
from runtime.agent.resuming import resume
from runtime.agent.safety import verify_skills
from runtime.agent.secrets import ReceiptKey
from runtime.agent.settings import AgentSettings, Places, Ports, read_settings
from runtime.agent.supervisor.guard import guarded
from runtime.agent.supervisor.readiness import Part, Readiness, has_room, is_true, volume_usage
from runtime.agent.supervisor.reason import TERMINATION_LOG, exit_status
from runtime.agent.supervisor.spec import HandOver, Preparation
from runtime.agent.supervisor.supervisor import Supervisor
from runtime.contract import image
from runtime.http import proxy
from runtime.http.edge_keys import EdgeKeys
from runtime.http.edge_token import KeysError
from runtime.http.lifecycle import Lifecycle
from runtime.http.log import configure
from runtime.http.server import listen
from runtime.receipts import Identity, ReceiptBook, ReceiptError

EVERYWHERE = "0.0.0.0"  # noqa: S104  # the pod's own network: who may come is its policy's matter
ANSWER_S = 3.5
"""Seconds the model may take to say a token when a probe asks; the kubelet waits for five."""


async def bring_model(settings: AgentSettings) -> None:
    """Have the model in the agent's store. Raises ModelError."""
    await install_model(settings)


async def serve(settings: AgentSettings, environ: Mapping[str, str], installed: Installed) -> None:
    """Serve until SIGTERM, then end in order. Raises AgentError when the agent cannot do its work."""
    lifecycle = Lifecycle()
    lifecycle.stop_on_signals()
    async with AsyncExitStack() as held:
        to_model = await held.enter_async_context(proxy.client())
        # OpenClaw's streams promise to keep a connection that its server then takes nothing more from.
        to_openclaw = await held.enter_async_context(proxy.client(keeps=False))
        book = await asyncio.to_thread(open_book, settings)
        held.push_async_callback(asyncio.to_thread, book.close)
        keys = open_keys(settings)
        token = mint_token(settings.places)
        metrics = Metrics(NAMES, partial(volume_usage, settings.places.data))
        api, probe = OllamaApi(to_model, settings.ports.ollama), Probe(to_openclaw, settings.ports.openclaw)
        programs = Programs(settings, environ, api, probe, metrics, installed)
        supervisor = Supervisor(
            lifecycle,
            [programs.model_server(), programs.openclaw()],
            preparations=[
                Preparation(name="state", run=partial(resume, settings)),
                Preparation(name="skills", run=partial(asyncio.to_thread, verify_skills, settings, installed)),
                Preparation(name="model", run=partial(bring_model, settings)),
            ],
            hand_over=[HandOver(name="receipts", run=partial(asyncio.to_thread, book.sync), limit_s=2)],
            on_restart=metrics.child_restart,
        )
        answering = Answering(api, settings, ANSWER_S)
        readiness = Readiness(
            [
                *supervisor.parts(),
                Part(name="openclaw-ready", check=probe.is_ready),
                Part(name="model-answers", check=answering.check, limit_s=ANSWER_S + 0.5),
                Part(name="volume-has-room", check=has_room(settings.places.data)),
                Part(name="receipts-written", check=is_true(lambda: book.problem is None)),
            ]
        )
        door = Door(
            tenant=settings.tenant,
            agent=settings.agent,
            model=settings.model,
            model_digest=settings.model_digest,
            max_tokens=settings.max_tokens,
            keys=keys.verifier,
            ready=lambda: supervisor.ready,
            session=to_openclaw,
            openclaw=URL.build(scheme="http", host=LOOPBACK, port=settings.ports.openclaw),
            token=lambda: token,
            book=book,
            metrics=metrics,
            activity=answering,
            lifecycle=lifecycle,
        )
        for app, port in (
            (ops_application(supervisor.heartbeat, readiness, metrics), settings.ports.ops),
            (door_application(door), settings.ports.door),
        ):
            runner = await listen(app, EVERYWHERE, port)
            held.push_async_callback(runner.cleanup)
        await supervisor.run()


def open_book(settings: AgentSettings) -> ReceiptBook:
    """The agent's receipts. Raises AgentError if they, or the key they are signed with, cannot be used."""
    key = ReceiptKey(settings.places.secrets)
    try:
        return ReceiptBook(settings.places.data / "receipts", Identity(settings.tenant, settings.agent), key)
    except ReceiptError as error:
        raise AgentError(str(error)) from error


def open_keys(settings: AgentSettings) -> EdgeKeys:
    """The keys edge tokens are verified with. Raises AgentError if there are none."""
    file = settings.places.config / image.EDGE_KEYS_FILE
    try:
        return EdgeKeys(file)
    except (OSError, KeysError) as error:
        reason = error.strerror if isinstance(error, OSError) else str(error)
        raise AgentError(f"{file}: no edge keys: {reason}") from error


def main(
    environ: Mapping[str, str],
    places: Places | None = None,
    ports: Ports | None = None,
    installed: Installed | None = None,
    termination_log: Path = TERMINATION_LOG,
) -> int:
    """The exit status: 0 when told to stop, 1 when the agent cannot do its work."""
    configure("agent")

    def run() -> None:
        settings = read_settings(environ, places or Places(), ports or Ports())
        uvloop.run(serve(settings, environ, installed or Installed()))

    return exit_status(run, termination_log)


if __name__ == "__main__":
    sys.exit(guarded(lambda: main(os.environ)))
