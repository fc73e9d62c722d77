"""wireguard-go beside the plain veth it runs over: `python -m tests.bench.wireguard`. Needs root.

Two network namespaces, joined to nothing else. The same program sends the same way, in turns, with and without the
tunnel; processor time is that of the programs themselves, so that a busy machine changes the pace and not the cost.
"""

import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import psutil
from rich.console import Console

from components.network.mesh.planning import tunnel_mtu
from infra import mesh_keys
from infra.local.cluster.netns import enter
from infra.local.cluster.shell import run
from infra.local.status import table

PROGRAMS = ("ip", "nsenter", "wg", "wireguard-go")
ENDS = ("a", "b")
UNDERLAY = {"a": "198.18.0.1", "b": "198.18.0.2"}
TUNNEL = {"a": "10.255.0.1", "b": "10.255.0.2"}
UNDERLAY_MTU = 1500
PORT = 7000
SECONDS = 5.0
TURNS = 2
GBIT = 1e9

RECEIVER = """
import json, os, socket, sys
with socket.create_server((sys.argv[1], int(sys.argv[2]))) as server:
    print("listening", flush=True)
    connection, _ = server.accept()
    total, buffer = 0, bytearray(1 << 20)
    while count := connection.recv_into(buffer):
        total += count
print(json.dumps([total, sum(os.times()[:2])]), flush=True)
"""
SENDER = """
import json, os, socket, sys, time
block, end = bytes(1 << 20), time.monotonic() + float(sys.argv[3])
with socket.create_connection((sys.argv[1], int(sys.argv[2]))) as connection:
    begun = time.monotonic()
    while time.monotonic() < end:
        connection.sendall(block)
print(json.dumps([time.monotonic() - begun, sum(os.times()[:2])]), flush=True)
"""


@dataclass(frozen=True)
class Way:
    """What a way carried: bits, the seconds it took, and processor seconds of its ends and of the tunnel's programs."""

    name: str
    bits: float
    seconds: float
    ends_cpu_s: float
    tunnel_cpu_s: float

    def __add__(self, other: "Way") -> "Way":
        return Way(
            self.name,
            self.bits + other.bits,
            self.seconds + other.seconds,
            self.ends_cpu_s + other.ends_cpu_s,
            self.tunnel_cpu_s + other.tunnel_cpu_s,
        )

    @property
    def gbit_s(self) -> float:
        """Gbit a second."""
        return self.bits / GBIT / self.seconds

    @property
    def cpu_a_gbit(self) -> tuple[float, float]:
        """Processor seconds a Gbit: of the programs at both ends, and of wireguard-go."""
        return self.ends_cpu_s / self.bits * GBIT, self.tunnel_cpu_s / self.bits * GBIT


@contextmanager
def joined() -> Iterator[dict[str, psutil.Process]]:
    """Two namespaces, a veth between them and a tunnel over it; the tunnel's programs by end."""
    tag = f"mgb{os.getpid():x}"
    tunnels: dict[str, subprocess.Popen[bytes]] = {}
    try:
        for end in ENDS:
            run(["ip", "netns", "add", f"{tag}{end}"])
        run(["ip", "-n", f"{tag}a", "link", "add", "ul", "type", "veth", "peer", "name", "ul", "netns", f"{tag}b"])
        keys = {end: mesh_keys.new_private_key() for end in ENDS}
        shared = mesh_keys.new_preshared_key()
        for end in ENDS:
            _ip(f"{tag}{end}", "link set lo up", f"address add {UNDERLAY[end]}/30 dev ul", "link set ul up")
            tunnels[end] = _tunnel(f"{tag}{end}", f"{tag}w{end}")
        for end, other in (ENDS, reversed(ENDS)):
            _configure(f"{tag}{end}", f"{tag}w{end}", end, other, keys, shared)
        yield {end: psutil.Process(process.pid) for end, process in tunnels.items()}
    finally:
        for process in tunnels.values():
            process.terminate()
            process.wait()
        for end in ENDS:
            subprocess.run(["ip", "netns", "delete", f"{tag}{end}"], check=False, capture_output=True)


def _ip(namespace: str, *commands: str) -> None:
    for command in commands:
        run(["ip", "-n", namespace, *command.split()])


def _tunnel(namespace: str, interface: str) -> subprocess.Popen[bytes]:
    """wireguard-go as a gateway without the kernel's module has it; returns once it takes configuration."""
    command = enter(namespace, ["env", "LOG_LEVEL=error", "wireguard-go", "-f", interface])
    process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    waiting = f"until wg show {interface} >/dev/null 2>&1; do kill -0 {process.pid} || exit 1; sleep 0.05; done"
    run(enter(namespace, ["sh", "-c", waiting]), timeout=20)
    return process


def _configure(namespace: str, interface: str, end: str, other: str, keys: dict[str, str], shared: str) -> None:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        folder.chmod(0o700)
        (folder / "private").write_text(keys[end])
        (folder / "shared").write_text(shared)
        peer = ["peer", mesh_keys.public_key(keys[other]), "preshared-key", str(folder / "shared")]
        at = ["endpoint", f"{UNDERLAY[other]}:51820", "allowed-ips", f"{TUNNEL[other]}/32"]
        own = ["listen-port", "51820", "private-key", str(folder / "private")]
        run(enter(namespace, ["wg", "set", interface, *own, *peer, *at]))
    mtu = tunnel_mtu(UNDERLAY_MTU)
    _ip(namespace, f"address add {TUNNEL[end]}/30 dev {interface}", f"link set {interface} mtu {mtu} up")


def send(name: str, tunnels: dict[str, psutil.Process], address: str, seconds: float) -> Way:
    """Send from one end to the other for so long."""
    tag = f"mgb{os.getpid():x}"
    before = _cpu(tunnels)
    receiver = subprocess.Popen(
        enter(f"{tag}b", [sys.executable, "-c", RECEIVER, address, str(PORT)]), stdout=subprocess.PIPE, text=True
    )
    assert receiver.stdout is not None
    assert receiver.stdout.readline() == "listening\n"
    sent = run(enter(f"{tag}a", [sys.executable, "-c", SENDER, address, str(PORT), str(seconds)]), timeout=seconds + 60)
    total, receiving = json.loads(receiver.communicate(timeout=60)[0])
    took, sending = json.loads(sent)
    return Way(name, total * 8.0, took, receiving + sending, _cpu(tunnels) - before)


def _cpu(tunnels: dict[str, psutil.Process]) -> float:
    return sum(times.user + times.system for times in (process.cpu_times() for process in tunnels.values()))


def measured(seconds: float = SECONDS, turns: int = TURNS) -> tuple[Way, Way]:
    """The plain veth and the tunnel, in turns."""
    with joined() as tunnels:
        send("warming up", tunnels, TUNNEL["b"], 0.2)
        found = [
            (send("plain veth", tunnels, UNDERLAY["b"], seconds), send("wireguard-go", tunnels, TUNNEL["b"], seconds))
            for _ in range(turns)
        ]
    plain, tunnel = found[0]
    for more_plain, more_tunnel in found[1:]:
        plain, tunnel = plain + more_plain, tunnel + more_tunnel
    return plain, tunnel


def missing() -> list[str]:
    """What this machine lacks for it."""
    lacks = [name for name in PROGRAMS if shutil.which(name) is None]
    return lacks if os.geteuid() == 0 else ["root", *lacks]


def wireguard(console: Console) -> None:
    """Print both ways' figures; where something is missing, say what."""
    if lacks := missing():
        console.print(f"wireguard-go is not measured: {', '.join(lacks)} missing")
        return
    rows = []
    for way in measured():
        ends, tunnel = way.cpu_a_gbit
        rows.append((way.name, f"{way.gbit_s:.2f}", f"{ends:.3f}", f"{tunnel:.3f}"))
    columns = ("way", "Gbit/s", "CPU s a Gbit, sender and receiver", "CPU s a Gbit, both wireguard-go")
    console.print(table(f"One TCP stream, {TURNS} turns of {SECONDS:.0f} s", columns, rows))


if __name__ == "__main__":
    wireguard(Console())
