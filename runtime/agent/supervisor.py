"""Keeping the model server running with the model loaded, and saying when it is."""

import asyncio
import logging
import os
import time
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Any

from runtime.agent.failures import GaveUpError, ModelError, ServerError
from runtime.agent.model import ensure_model, load_model
from runtime.agent.ollama import PROGRAM, OllamaApi, environment, is_own_question
from runtime.agent.process import Child
from runtime.agent.settings import AgentSettings
from runtime.http.log import event

FAILURES = 3
"""So many failures of the model server in a row end the agent."""
STABLE_S = 300
"""Seconds of good service after which earlier failures are forgotten."""
_CHECK_S = 5
_END_S = 1
"""Seconds to wait whether a call failed because the model server was just ending."""

_log = logging.getLogger("supervisor")


def backoff(failures: int) -> float:
    """Seconds to wait before the next start after so many failures in a row."""
    return float(2 ** (failures - 1))


class Supervisor:
    """Runs the model server; `ready` is true while the model answers."""

    def __init__(
        self,
        settings: AgentSettings,
        api: OllamaApi,
        delay: Callable[[int], float] = backoff,
        check_s: float = _CHECK_S,
    ) -> None:
        self._settings = settings
        self._api = api
        self._delay = delay
        self._check_s = check_s
        self._environ = environment(settings, os.environ.get("PATH", os.defpath))
        self.ready = False

    async def run(self) -> None:
        """Supervise until cancelled; the model server is gone when this ends. Raises ModelError, GaveUpError."""
        failures = 0
        while True:
            started = time.monotonic()
            try:
                await self._serve_once()
            except ServerError as error:
                failures = 1 if time.monotonic() - started > STABLE_S else failures + 1
                event(_log, logging.ERROR, "model server failed", reason=str(error), failures=failures)
                if failures >= FAILURES:
                    raise GaveUpError(f"the model server failed {failures} times in a row; last: {error}") from error
            await asyncio.sleep(self._delay(failures))

    async def _serve_once(self) -> None:
        """One life of the model server. Raises ServerError at its end, ModelError if the model can't be used."""
        server = await self._start()
        try:
            await _until_end(server, self._watch_over())
        finally:
            self.ready = False
            await server.stop()

    async def _start(self) -> Child:
        try:
            self._make_folders()
            return await Child.start((PROGRAM, "serve"), self._environ, self._settings.data_dir, is_own_question)
        except OSError as error:
            raise ModelError(f"the model server cannot be started: {error}") from error

    def _make_folders(self) -> None:
        for folder in ("HOME", "OLLAMA_MODELS"):
            Path(self._environ[folder]).mkdir(exist_ok=True)

    async def _watch_over(self) -> None:
        await self._api.wait_until_up()
        await ensure_model(self._api, self._settings, self._environ)
        silent = 0
        while True:
            try:
                if await self._api.loaded(self._settings.model) is None:
                    self.ready = False
                    await load_model(self._api, self._settings)
                silent = 0
                self._set_ready()
            except ServerError:
                self.ready = False
                silent += 1
                if silent >= FAILURES:
                    raise
            await asyncio.sleep(self._check_s)

    def _set_ready(self) -> None:
        if not self.ready:
            event(_log, logging.INFO, "ready", model=self._settings.model)
        self.ready = True


async def _until_end(server: Child, work: Coroutine[Any, Any, None]) -> None:
    """Work until the server ends, which raises ServerError; so does work that fails because the server was ending."""
    working, ending = asyncio.create_task(work), asyncio.create_task(server.wait())
    try:
        await asyncio.wait((working, ending), return_when=asyncio.FIRST_COMPLETED)
        if not ending.done():
            await asyncio.wait((ending,), timeout=_END_S)
        if ending.done():
            raise ServerError(f"it ended with status {ending.result()}: {server.tail}")
        working.result()
    finally:
        await _cancel(working)
        await _cancel(ending)


async def _cancel(task: asyncio.Task[Any]) -> None:
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
