"""What machines of a lab send each other, and what comes of it."""

import hashlib
import select
import socket
import struct
import time
from contextlib import suppress
from dataclasses import dataclass, field
from threading import Event, Thread

from components.network.mesh.spec import SiteSpec
from tests.components.network.mesh.lab import Lab

PORT = 7000
BEAT_S = 0.02


class Echo:
    """Answers UDP with what it got, at a site's machine, until it is closed."""

    def __init__(self, lab: Lab, site: SiteSpec) -> None:
        self.socket = lab.socket(site.name, socket.SOCK_DGRAM)
        self.socket.bind((lab.client(site), PORT))
        self.socket.settimeout(0.2)
        self.ending = Event()
        self.thread = Thread(target=self._answer)
        self.thread.start()

    def _answer(self) -> None:
        while not self.ending.is_set():
            try:
                data, sender = self.socket.recvfrom(2048)
                self.socket.sendto(data, sender)
            except OSError:  # nothing came, or there is no way back at the moment
                continue

    def close(self) -> None:
        self.ending.set()
        self.thread.join()
        self.socket.close()


def reaches(lab: Lab, part: str, source: str, target: str, port: int = PORT, patience_s: float = 1.0) -> bool:
    """Whether an echo comes back to `source`, an address in namespace `part`. Asks again all the while."""
    with lab.socket(part, socket.SOCK_DGRAM) as probe:
        probe.bind((source, 0))
        end = time.monotonic() + patience_s
        while (left := end - time.monotonic()) > 0:
            try:
                probe.sendto(b"there?", (target, port))
                if select.select([probe], [], [], min(0.1, left))[0] and probe.recv(64) == b"there?":
                    return True
            except OSError:  # unreachable for now, by a route or by an ICMP answer
                select.select([], [], [], min(0.05, left))
    return False


@dataclass
class Beat:
    """Numbered packets, one every BEAT_S, from one site to another's echo. Which came back, and when."""

    lab: Lab
    source: SiteSpec
    target: SiteSpec
    sent: int = 0
    returned: dict[int, float] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.socket = self.lab.socket(self.source.name, socket.SOCK_DGRAM)
        self.socket.bind((self.lab.client(self.source), 0))
        self.ending, self.heard = Event(), Event()
        self.thread = Thread(target=self._beat)
        self.thread.start()

    def _beat(self) -> None:
        due = time.monotonic()
        while not self.ending.is_set():
            self._send()
            due += BEAT_S
            while (left := due - time.monotonic()) > 0:
                self._receive(left)
        while self._receive(0.5):  # the last ones are still on their way
            pass
        self.socket.close()

    def _send(self) -> None:
        with suppress(OSError):  # unreachable for now: it counts as lost
            self.socket.sendto(struct.pack("!I", self.sent), (self.lab.client(self.target), PORT))
        self.sent += 1

    def _receive(self, patience_s: float) -> bool:
        if not select.select([self.socket], [], [], patience_s)[0]:
            return False
        try:
            (number,) = struct.unpack("!I", self.socket.recv(64))
        except OSError:
            return True
        self.returned[number] = time.monotonic()
        self.heard.set()
        return True

    def resumed(self, bound_s: float) -> float:
        """Seconds until the next echo of a packet sent from now on; raises TimeoutError after `bound_s`."""
        begun, first = time.monotonic(), self.sent
        while (left := begun + bound_s - time.monotonic()) > 0:
            self.heard.clear()
            later = [moment for number, moment in list(self.returned.items()) if number > first]
            if later:
                return min(later) - begun
            self.heard.wait(left)
        raise TimeoutError(f"no packet came back within {bound_s:.0f} s")

    def end(self) -> list[int]:
        """Stop; the numbers of those that never came back."""
        self.ending.set()
        self.thread.join()
        return sorted(set(range(self.sent)) - set(self.returned))


class Transfer:
    """A TCP stream from one site to another until it is ended. `digests` are of what was sent and received."""

    def __init__(self, lab: Lab, source: SiteSpec, target: SiteSpec) -> None:
        self.listener = lab.socket(target.name, socket.SOCK_STREAM)
        self.listener.bind((lab.client(target), PORT + 1))
        self.listener.listen()
        self.sender = lab.socket(source.name, socket.SOCK_STREAM)
        self.sender.settimeout(20)
        self.sender.connect((lab.client(target), PORT + 1))
        self.receiver, _ = self.listener.accept()
        self.receiver.settimeout(20)
        self.ending, self.bytes = Event(), 0
        self.digests = [hashlib.sha256(), hashlib.sha256()]
        self.threads = [Thread(target=self._send), Thread(target=self._receive)]
        for thread in self.threads:
            thread.start()

    def _send(self) -> None:
        block = bytes(range(256)) * 64
        while not self.ending.wait(0.005):  # some 3 MB/s: enough to lose something of, little enough for two cores
            self.sender.sendall(block)
            self.digests[0].update(block)
            self.bytes += len(block)
        self.sender.shutdown(socket.SHUT_WR)

    def _receive(self) -> None:
        while data := self.receiver.recv(1 << 16):
            self.digests[1].update(data)

    def end(self) -> bool:
        """Stop; whether all that was sent arrived, and as it was."""
        self.ending.set()
        for thread in self.threads:
            thread.join()
        for each in (self.sender, self.receiver, self.listener):
            each.close()
        return self.digests[0].digest() == self.digests[1].digest()
