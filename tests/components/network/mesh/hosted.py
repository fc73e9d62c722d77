"""What runs in a namespace of a lab for as long as a test needs it."""

import asyncio
import subprocess
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import Future
from contextlib import AbstractAsyncContextManager, contextmanager
from threading import Thread
from typing import TypeVar

from infra.local.cluster.netns import enter
from tests.components.network.mesh.lab import Lab
from tests.stack_files import PROJECT

T = TypeVar("T")
STARTS_WITHIN_S = 30


@contextmanager
def hosted(lab: Lab, part: str, context: Callable[[], AbstractAsyncContextManager[T]]) -> Iterator[T]:
    """An asynchronous context, entered in a namespace by a loop of its own: its sockets are there."""
    entered: Future[tuple[T, Callable[[], object]]] = Future()

    async def stay() -> None:
        leave, loop = asyncio.Event(), asyncio.get_running_loop()
        async with context() as made:
            entered.set_result((made, lambda: loop.call_soon_threadsafe(leave.set)))
            await leave.wait()

    def run() -> None:
        try:
            asyncio.run(stay())
        except Exception as error:
            if entered.done():
                raise
            entered.set_exception(error)

    thread = Thread(target=lab.inside, args=(part, run))
    thread.start()
    made, leave = entered.result(STARTS_WITHIN_S)
    try:
        yield made
    finally:
        leave()
        thread.join()


@contextmanager
def program(lab: Lab, part: str, argv: Sequence[str], environment: Mapping[str, str]) -> Iterator[None]:
    """A program of the project's in a namespace, ended with the context."""
    command = enter(lab.namespace(part), argv)
    with subprocess.Popen(command, cwd=PROJECT, env=dict(environment), stdout=subprocess.DEVNULL) as process:
        try:
            yield
        finally:
            process.kill()
