"""One hop of ours alone, as the image runs it: `python -m tests.bench.hop_program HOP PORT NEXT_PORT`.

Its keys are those of the `Edge` whose JWKS stands in the environment, as a gateway's do.
"""

import asyncio
import os
import sys
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import AbstractAsyncContextManager, asynccontextmanager

import uvloop
from aiohttp import web

from runtime.contract import env
from runtime.gateway.onward import agent_handler, application
from runtime.gateway.sandboxes import SandboxCache
from runtime.http import proxy
from runtime.http.edge_token import TokenVerifier, load_keys
from runtime.http.lifecycle import Lifecycle
from runtime.http.log import configure
from runtime.http.server import listen
from tests.runtime.serving import LOOPBACK, sandbox

Hop = Callable[[int, str], AbstractAsyncContextManager[web.Application]]
"""Makes a hop's application; it is given the port of the next hop, and the JWKS edge tokens are verified with."""


@asynccontextmanager
async def gateway(next_port: int, jwks: str) -> AsyncIterator[web.Application]:
    """A gateway that knows one agent."""
    cache = SandboxCache()
    cache.put(sandbox())
    async with proxy.client() as session:
        ask = agent_handler(TokenVerifier(load_keys(jwks)), cache, session, next_port)
        yield application(ask, lambda: True, Lifecycle())


HOPS: Mapping[str, Hop] = {"gateway": gateway}


async def main(hop: str, port: int, next_port: int) -> None:
    """Serve until killed."""
    async with HOPS[hop](next_port, os.environ[env.EDGE_KEYS]) as app:
        await listen(app, LOOPBACK, port)
        await asyncio.Event().wait()


if __name__ == "__main__":
    configure(sys.argv[1])
    uvloop.run(main(sys.argv[1], int(sys.argv[2]), int(sys.argv[3])))
