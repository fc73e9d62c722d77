"""What the gateway adds to a request: `python -m tests.runtime.gateway.overhead`.

The same 1,000 requests one after another, straight to an agent that answers at once and through the gateway's program,
each of the three in a process of its own. Prints milliseconds.
"""

import asyncio
import multiprocessing
import socket
import statistics
import sys
import time

import aiohttp
import psutil
import uvloop
from aiohttp import web

from runtime.contract import paths
from tests.runtime.gateway.fake_api import FakeApi
from tests.runtime.gateway.test_program import started, until
from tests.runtime.serving import BODY, EDGE, LOOPBACK, sandbox

REQUESTS = 1000
WARM_UP = 100


def run_agent(listening: socket.socket) -> None:
    """An agent that answers at once."""

    async def say(request: web.Request) -> web.Response:
        return web.Response(body=await request.read())

    app = web.Application()
    app.router.add_post(paths.CHAT_COMPLETIONS, say)
    web.run_app(app, sock=listening, print=lambda *_: None, access_log=None, loop=uvloop.new_event_loop())


async def measure(client: aiohttp.ClientSession, url: str) -> list[float]:
    """Milliseconds of each request, sorted."""
    sent = EDGE.headers()
    taken = []
    for number in range(WARM_UP + REQUESTS):
        began = time.perf_counter()
        async with client.post(url + paths.CHAT_COMPLETIONS, data=BODY, headers=sent) as answer:
            await answer.read()
            if answer.status != 200:
                raise RuntimeError(f"{url} answers {answer.status}")
        if number >= WARM_UP:
            taken.append((time.perf_counter() - began) * 1000)
    return sorted(taken)


def row(name: str, taken: list[float]) -> str:
    return f"{name:16} p50 {statistics.median(taken):6.2f} ms   p99 {taken[int(len(taken) * 0.99)]:6.2f} ms"


async def compare(agent_port: int, port: int) -> list[str]:
    api = FakeApi()
    api.sandboxes = [sandbox()]
    url = f"http://{LOOPBACK}:{port}"
    async with started(api, port, agent_port) as gateway, aiohttp.ClientSession() as client:
        reading = asyncio.create_task(gateway.communicate())
        await until(client, url, 200)
        direct = await measure(client, f"http://{LOOPBACK}:{agent_port}")
        through = await measure(client, url)
        memory = psutil.Process(gateway.pid).memory_info().rss / 2**20
        gateway.terminate()
        await reading
    added = statistics.median(through) - statistics.median(direct)
    return [row("direct", direct), row("through gateway", through), f"added p50 {added:.2f} ms, {memory:.0f} MiB"]


def main() -> None:
    listening, free = socket.create_server((LOOPBACK, 0)), socket.create_server((LOOPBACK, 0))
    port = free.getsockname()[1]
    free.close()
    agent = multiprocessing.Process(target=run_agent, args=(listening,))
    agent.start()
    try:
        for line in uvloop.run(compare(listening.getsockname()[1], port)):
            sys.stdout.write(line + "\n")
    finally:
        agent.terminate()
        agent.join()


if __name__ == "__main__":
    main()
