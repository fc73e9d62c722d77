"""Stand-in for the zero-trust tunnel's connector: from a loopback port to the region's gateway pods.

Connections are spread over the pods a Service's EndpointSlices call ready. Bytes pass as they come, in both directions;
the end of one side reaches the other at once. When no pod takes the connection, the client is told so with a 502.
"""

import argparse
import asyncio
import itertools
import json
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from infra.local.following import Objects, connect, follow
from infra.local.termination import until_terminated
from runtime.contract import errors

LOOPBACK = "127.0.0.1"
CONNECT_S = 3.0
CHUNK = 65536
REFUSAL_DRAIN_S = 1.0

Address = tuple[str, int]


@dataclass(frozen=True)
class Target:
    """The Service whose pods take the connections; without a port name or number it must have one port."""

    namespace: str
    service: str
    port_name: str | None = None
    port: int | None = None


def ready_addresses(slices: Objects, target: Target) -> list[Address]:
    """Addresses of the ready endpoints, sorted."""
    return sorted(set(itertools.chain.from_iterable(_slice_addresses(item, target) for item in slices.values())))


def _slice_addresses(item: dict[str, Any], target: Target) -> Iterator[Address]:
    ports = item.get("ports") or []
    port = target.port or next((p["port"] for p in ports if target.port_name in (None, p.get("name"))), None)
    if port is None:
        return
    for endpoint in item.get("endpoints") or []:
        conditions = endpoint.get("conditions") or {}
        if conditions.get("ready") is not False and not conditions.get("terminating"):
            yield from ((address, port) for address in endpoint["addresses"])


class Tunnel:
    """Forwards connections to `addresses`, which may be replaced at any time."""

    def __init__(self, target: Target) -> None:
        self.target = target
        self.addresses: list[Address] = []
        self._turn = itertools.count()

    def update(self, slices: Objects) -> None:
        """Take over the endpoints that are ready now."""
        addresses = ready_addresses(slices, self.target)
        if addresses != self.addresses:
            shown = ", ".join(f"{host}:{port}" for host, port in addresses) or "none"
            print(f"endpoints of {self.target.namespace}/{self.target.service}: {shown}", flush=True)
        self.addresses = addresses

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Handle one client."""
        try:
            upstream = await self._connect()
            if upstream is None:
                await self._refuse(reader, writer)
            else:
                await join(reader, writer, *upstream)
        finally:
            writer.close()

    async def _connect(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter] | None:
        """Connect to the pod whose turn it is, or to the next that answers."""
        addresses = list(self.addresses)
        start = next(self._turn)
        for index in range(len(addresses)):
            host, port = addresses[(start + index) % len(addresses)]
            try:
                async with asyncio.timeout(CONNECT_S):
                    return await asyncio.open_connection(host, port, limit=CHUNK)
            except OSError as failure:  # TimeoutError is one
                print(f"{host}:{port}: {failure!r}", flush=True)
        return None

    async def _refuse(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        message = f"no pod of service {self.target.namespace}/{self.target.service} takes connections"
        kind = errors.UPSTREAM_FAILED
        body = json.dumps(errors.body(kind, f"The region's gateway cannot be reached: {message}.")).encode()
        head = (
            f"HTTP/1.1 {kind.status} Bad Gateway\r\ncontent-type: application/json\r\ncontent-length: {len(body)}\r\n"
        )
        print(message, flush=True)
        with suppress(OSError):
            writer.write(head.encode() + b"connection: close\r\n\r\n" + body)
            writer.write_eof()
            # Closing while the request is still coming would reset the connection, and take the answer with it.
            with suppress(TimeoutError):
                async with asyncio.timeout(REFUSAL_DRAIN_S):
                    while await reader.read(CHUNK):
                        pass


async def join(
    client_reader: asyncio.StreamReader,
    client_writer: asyncio.StreamWriter,
    upstream_reader: asyncio.StreamReader,
    upstream_writer: asyncio.StreamWriter,
) -> None:
    """Pass bytes both ways until the upstream ends or either side fails.

    The client may end its sending side first (half-close): the upstream learns of it at once and may still answer.
    """
    for writer in (client_writer, upstream_writer):
        writer.transport.set_write_buffer_limits(high=0)
    upward = asyncio.create_task(_pump(client_reader, upstream_writer))
    downward = asyncio.create_task(_pump(upstream_reader, client_writer))
    try:
        done, _ = await asyncio.wait({upward, downward}, return_when=asyncio.FIRST_COMPLETED)
        if downward not in done and upward.exception() is None:
            await downward
    except OSError:
        pass
    finally:
        for task in (upward, downward):
            task.cancel()
        ends = await asyncio.gather(upward, downward, return_exceptions=True)
        upstream_writer.transport.abort()  # it has ended, or nobody listens to it any more
        if any(isinstance(end, OSError) for end in ends):
            client_writer.transport.abort()


async def _pump(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    while chunk := await reader.read(CHUNK):
        writer.write(chunk)
        await writer.drain()
    if writer.can_write_eof():
        writer.write_eof()


async def run(kubeconfig: Path, port: int, target: Target) -> None:
    """Listen on loopback until SIGTERM."""
    tunnel = Tunnel(target)
    server = await asyncio.start_server(tunnel.serve, LOOPBACK, port, limit=CHUNK)
    api = await connect(kubeconfig)
    path = f"/apis/discovery.k8s.io/v1/namespaces/{target.namespace}/endpointslices"
    try:
        with until_terminated():
            async with server:
                async for slices in follow(api, path, labelSelector=f"kubernetes.io/service-name={target.service}"):
                    tunnel.update(slices)
    finally:
        await api.close()


def main() -> None:
    """Command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--kubeconfig", type=Path, required=True)
    parser.add_argument("--listen", type=int, required=True, help="loopback port")
    parser.add_argument("--namespace", required=True)
    parser.add_argument("--service", required=True)
    parser.add_argument("--port-name", help="name of the service's port")
    parser.add_argument("--port", type=int, help="port of the pods, whatever the service says")
    arguments = parser.parse_args()
    target = Target(arguments.namespace, arguments.service, arguments.port_name, arguments.port)
    asyncio.run(run(arguments.kubeconfig, arguments.listen, target))


if __name__ == "__main__":
    main()
