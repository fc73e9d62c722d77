"""One hop of ours alone in a process of its own, as the image runs it."""

import asyncio
import os
import sys
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager

import uvloop
from aiohttp import web

from runtime.contract import env
from runtime.http.log import configure
from runtime.http.server import listen
from tests.runtime.serving import LOOPBACK

Hop = Callable[[int, str], AbstractAsyncContextManager[web.Application]]
"""Makes a hop's application; it is given the port of the next hop, and the JWKS edge tokens are verified with."""


def run(hop: Hop) -> None:
    """Serve until killed: `python -m MODULE PORT NEXT_PORT`, the JWKS in the environment."""
    configure("bench")
    uvloop.run(_serve(hop, int(sys.argv[1]), int(sys.argv[2])))


async def _serve(hop: Hop, port: int, next_port: int) -> None:
    async with hop(next_port, os.environ[env.EDGE_KEYS]) as app:
        await listen(app, LOOPBACK, port)
        await asyncio.Event().wait()
