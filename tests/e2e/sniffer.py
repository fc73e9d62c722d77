"""What an agent's pod tries to reach, seen on the node before any policy: whom it sends a first packet to."""

import json
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager

from infra.local.cluster import netns

WATCH = """
import json, select, socket, sys

EVERYTHING, IPV4, TCP, UDP = 3, 0x0800, 6, 17
source = socket.inet_aton(sys.argv[1])
tap = socket.socket(socket.AF_PACKET, socket.SOCK_DGRAM, socket.htons(EVERYTHING))
tap.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 24)

def target(packet):
    start = (packet[0] & 15) * 4
    host, kind = socket.inet_ntoa(packet[16:20]), packet[9]
    if kind == TCP and packet[start + 13] & 0x12 != 0x02:  # SYN alone begins a connection
        return None
    if kind in (TCP, UDP):
        return host, int.from_bytes(packet[start + 2:start + 4], "big")
    return host, -kind

print("watching", flush=True)
seen = set()
while tap in (readable := select.select([tap, sys.stdin], [], [])[0]) or not readable:
    packet, (_, protocol, *_) = tap.recvfrom(2048)
    if protocol == IPV4 and packet[12:16] == source:
        seen.add(target(packet))
print(json.dumps(sorted(seen - {None})))
"""


@contextmanager
def watching(node: str, address: str) -> Iterator[set[tuple[str, int]]]:
    """Watch in the node's network namespace; the set is filled at the end with addresses and ports."""
    command = netns.enter(node, [sys.executable, "-c", WATCH, address])
    seen: set[tuple[str, int]] = set()
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as tap:
        assert tap.stdout is not None
        assert tap.stdout.readline() == "watching\n"
        try:
            yield seen
        finally:
            # The end of its input is seen once there is no packet left to look at.
            last, _ = tap.communicate()
            seen.update((host, port) for host, port in json.loads(last))
