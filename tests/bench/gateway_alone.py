"""The gateway alone, before one agent."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from aiohttp import web

from runtime.gateway.onward import agent_handler, application, health_handler
from runtime.gateway.sandboxes import SandboxCache
from runtime.http import proxy
from runtime.http.edge_token import TokenVerifier, load_keys
from runtime.http.lifecycle import Lifecycle
from tests.bench.alone import run
from tests.runtime.serving import sandbox


@asynccontextmanager
async def gateway(next_port: int, jwks: str) -> AsyncIterator[web.Application]:
    """A gateway that knows acme's agent `helper`."""
    cache = SandboxCache()
    cache.put(sandbox())
    async with proxy.client() as session:
        verifier = TokenVerifier(load_keys(jwks))
        ask, health = agent_handler(verifier, cache, session, next_port), health_handler(verifier, cache)
        yield application(ask, health, lambda: True, Lifecycle())


if __name__ == "__main__":
    run(gateway)
