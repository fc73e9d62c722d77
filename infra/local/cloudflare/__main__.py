"""`python -m infra.local.cloudflare`: the local Cloudflare, until it is told to stop or its runtime ends."""

import argparse
import asyncio
import contextlib
import signal
import sys
from pathlib import Path

from aiohttp import web

from infra.local.cloudflare.app import make_app
from infra.local.cloudflare.cloud import Cloud
from infra.local.cloudflare.errors import ApiError
from infra.local.cloudflare.worker_host import WorkerHostError


def main() -> int:
    """The exit code: 0 when it was stopped, 1 when it couldn't go on."""
    parser = argparse.ArgumentParser(prog="python -m infra.local.cloudflare", description=__doc__)
    parser.add_argument(
        "--state",
        type=Path,
        required=True,
        help="the region's state folder: what is declared and KV values go to `cloudflare` in it",
    )
    parser.add_argument("--api-port", type=int, required=True, help="where the API answers on 127.0.0.1")
    parser.add_argument("--worker-port", type=int, required=True, help="where the Workers answer on 127.0.0.1")
    options = parser.parse_args()
    try:
        return asyncio.run(_serve(options.state.resolve() / "cloudflare", options.api_port, options.worker_port))
    except (ApiError, WorkerHostError, OSError) as error:
        print(f"local Cloudflare: {error}", file=sys.stderr)
        return 1


async def _serve(folder: Path, api_port: int, worker_port: int) -> int:
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    cloud = Cloud(folder, worker_port)
    runner = web.AppRunner(make_app(cloud), access_log=None)
    try:
        await cloud.start()
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", api_port).start()
        waits = [asyncio.create_task(event.wait()) for event in (stop, cloud.host.ended)]
        await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
        for wait in waits:
            wait.cancel()
    finally:
        with contextlib.suppress(WorkerHostError):
            await cloud.close()
        await runner.cleanup()
    return 0 if stop.is_set() else 1


if __name__ == "__main__":
    sys.exit(main())
