"""The gateway's program outside a cluster: `python -m tests.runtime.gateway.program PORT AGENT_PORT API_URL`."""

import os
import sys

import uvloop
from kubernetes_asyncio import client

from runtime.gateway.__main__ import serve
from runtime.gateway.settings import read_settings
from runtime.http.log import configure


async def main(port: int, agent_port: int, api_url: str) -> None:
    async with client.ApiClient(client.Configuration(host=api_url)) as api:
        await serve(read_settings(os.environ), api, port, agent_port)


if __name__ == "__main__":
    configure("gateway")
    uvloop.run(main(int(sys.argv[1]), int(sys.argv[2]), sys.argv[3]))
