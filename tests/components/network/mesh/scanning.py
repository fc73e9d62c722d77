"""A stranger on the underlay: what it sends at a gateway, and every packet that comes back."""

import select
import socket
import struct
from collections.abc import Iterable
from contextlib import suppress

from tests.components.network.mesh.lab import Lab

ETH_P_IP = 0x0800
ECHO_REQUEST = 0x0800
"""ICMP's type 8 and code 0, as the first word of its packet."""


class Ear:
    """Hears every IPv4 packet that reaches the stranger from one address."""

    def __init__(self, lab: Lab, address: str) -> None:
        self.address = socket.inet_aton(address)
        self.socket = lab.inside(
            "stranger", lambda: socket.socket(socket.AF_PACKET, socket.SOCK_DGRAM, socket.htons(ETH_P_IP))
        )
        self.socket.bind(("ul", ETH_P_IP))
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 24)

    def heard(self, quiet_s: float = 0.5) -> list[str]:
        """What came so far, until nothing comes for `quiet_s`: protocol and source port of each."""
        found = []
        while select.select([self.socket], [], [], quiet_s)[0]:
            packet = self.socket.recv(2048)
            if packet[12:16] == self.address:
                found.append(_described(packet))
        return found

    def close(self) -> None:
        self.socket.close()


def _described(packet: bytes) -> str:
    protocol, start = packet[9], (packet[0] & 15) * 4
    if protocol == socket.IPPROTO_TCP:
        (port,) = struct.unpack("!H", packet[start : start + 2])
        return f"tcp {port} flags {packet[start + 13]:#04x}"
    return f"protocol {protocol}"


def knock(address: str, ports: Iterable[int]) -> int:
    """Send a SYN to each TCP port and go away; how many were sent. To be run inside the stranger's namespace."""
    sent = 0
    for port in ports:
        with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
            probe.setblocking(False)
            with suppress(BlockingIOError):
                probe.connect((address, port))
            sent += 1
    return sent


def throw(address: str, ports: Iterable[int], datagrams: Iterable[bytes]) -> None:
    """Send each datagram to each UDP port. To be run inside the stranger's namespace."""
    thrown = list(datagrams)
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        for port in ports:
            for datagram in thrown:
                with suppress(ConnectionRefusedError):
                    probe.sendto(datagram, (address, port))


def ping(address: str, times: int = 2) -> None:
    """Send echo requests. To be run inside the stranger's namespace."""
    with socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_ICMP) as probe:
        for sequence in range(times):
            checksum = ~(ECHO_REQUEST + sequence) & 0xFFFF
            probe.sendto(struct.pack("!4H", ECHO_REQUEST, checksum, 0, sequence), (address, 0))
