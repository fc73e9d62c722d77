"""A program run as a child, with all that it starts, and ended with all of it."""

import asyncio
import contextlib
import errno
import logging
import os
import secrets
import signal

from runtime.agent.failures import AgentError, ServerError
from runtime.agent.supervisor.family import MARK, SWEEP_S, Family
from runtime.agent.supervisor.output import Output
from runtime.agent.supervisor.spec import ChildSpec
from runtime.http.log import event

_LAST_WORDS_S = 0.2
"""Seconds to read what an ended child wrote last, should anything still hold its pipe open."""
END_S = 3 * SWEEP_S + _LAST_WORDS_S
"""Seconds from SIGKILL until nothing of a child is left: its own end, a sweep, and one that was just under way."""
_PASSING = (errno.EAGAIN, errno.ENOMEM, errno.EMFILE, errno.ENFILE)
"""What may not be so at the next start."""

_log = logging.getLogger("child")


class Child:
    """A running program in a session of its own."""

    def __init__(self, spec: ChildSpec, family: Family, process: asyncio.subprocess.Process, output: Output) -> None:
        self._spec = spec
        self._family = family
        self._process = process
        self._output = output

    @classmethod
    async def start(cls, spec: ChildSpec, family: Family) -> "Child":
        """Raises AgentError if it cannot be started at all, ServerError if it can't just now."""
        mark = f"{spec.name}-{secrets.token_hex(8)}"
        # A pipe of our own: asyncio would take the program for running as long as anything it started holds its pipe.
        ours, its = os.pipe()
        try:
            async with family.starting():
                process = await asyncio.create_subprocess_exec(
                    *spec.command,
                    env={**spec.environ, MARK: mark},
                    cwd=spec.cwd,
                    stdin=asyncio.subprocess.DEVNULL,
                    stdout=its,
                    stderr=its,
                    start_new_session=True,
                )
                family.add(process.pid, mark)
        except BaseException as error:
            os.close(ours)
            if isinstance(error, OSError):
                raise _refusal(spec, error) from error
            raise
        finally:
            os.close(its)
        event(_log, logging.INFO, "started", child=spec.name, pid=process.pid)
        return cls(spec, family, process, Output(ours, spec.name, spec.is_noise))

    async def fail(self) -> ServerError:
        """Wait for its end, which is a failure; the error says how it ended and what it said last."""
        status = await self._process.wait()
        await self._output.end(_LAST_WORDS_S)
        return ServerError(f"it ended with {_told(status)}: {self._output.tail}")

    async def stop(self) -> None:
        """End it and everything it started: SIGTERM to itself, then SIGKILL to all that is left."""
        try:
            with contextlib.suppress(ProcessLookupError):
                self._process.terminate()
            async with asyncio.timeout(self._spec.stop_s):
                await self._process.wait()
        except TimeoutError:
            event(_log, logging.WARNING, "killed", child=self._spec.name)
        finally:
            # The whole group at one blow: what forks faster than a sweep finds it must not get away.
            with contextlib.suppress(ProcessLookupError):
                os.killpg(self._process.pid, signal.SIGKILL)
        # Not for ever: what hangs in the kernel must not keep the rest from ending.
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(SWEEP_S):
                await self._process.wait()
        self._family.remove(self._process.pid)
        await self._family.sweep()
        await self._output.end(_LAST_WORDS_S)
        await self._output.close()
        event(_log, logging.INFO, "ended", child=self._spec.name, how=_told(self._process.returncode))


def _told(status: int | None) -> str:
    if status is None:
        return "not at all"
    return f"status {status}" if status >= 0 else f"signal {-status}"


def _refusal(spec: ChildSpec, error: OSError) -> AgentError:
    kind = ServerError if error.errno in _PASSING else AgentError
    return kind(f"{spec.name} cannot be started: {error}")
