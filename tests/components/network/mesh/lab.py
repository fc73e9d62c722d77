"""A mesh in network namespaces: real WireGuard, nftables and BIRD, put in place by the script gateways run.

    router (the site's only machine) ══ gateway a ══ underlay (a bridge) ══ gateway … ══ router
                                     ══ gateway b ══              ══ stranger

No namespace is joined to the machine's own, so no packet leaves it.
"""

import ctypes
import os
import shutil
import signal
import socket
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from ipaddress import IPv4Address
from pathlib import Path
from typing import TypeVar

import pytest

from components.network.mesh.delivery import INSTALL, install_input, pack
from components.network.mesh.keys import gateway_keys
from components.network.mesh.planning import GatewayId, Mesh
from components.network.mesh.rendering import render_gateway
from components.network.mesh.spec import HostSpec, MeshSpec, SiteSpec
from infra.local.cluster.netns import NETNS_FOLDER, enter
from infra.local.cluster.shell import run

PROGRAMS = ("bird", "birdc", "ip", "nft", "nsenter", "wg", "wireguard-go")
CLONE_NEWNET = 0x40000000
LIBC = ctypes.CDLL(None, use_errno=True)
UNDERLAY_PREFIX = 16
STRANGER = IPv4Address("198.18.255.9")

Result = TypeVar("Result")


class Lab:
    """Namespaces of one mesh. `mesh` is its spec now; `apply` moves it to another one."""

    def __init__(self, folder: Path, spec: MeshSpec, keys: str) -> None:
        self.folder, self.spec, self.keys = folder, spec, keys
        self.tag = f"mg{os.getpid():x}"
        self.namespaces: list[str] = []

    # what there is

    def gateways(self) -> list[GatewayId]:
        """All gateways."""
        return [GatewayId(site.name, each.plane) for site in self.spec.sites for each in site.gateways]

    def namespace(self, part: str) -> str:
        """The namespace of a gateway, a site's router, the underlay or the stranger."""
        return f"{self.tag}-{part}"

    def client(self, site: SiteSpec) -> str:
        """The address of a site's machine."""
        return str(site.ranges[0][2])

    def host(self, gateway: GatewayId) -> HostSpec:
        """A gateway's machine: interface names are unique, as wireguard-go's control sockets are the machine's."""
        site = self._site(gateway)
        at = next(at for at, each in enumerate(site.gateways) if each.plane == gateway.plane)
        return HostSpec(
            underlay="ul",
            lan="lan",
            address=site.ranges[0][4 + at],
            routers=(site.ranges[0][2],),
            prefix=f"m{os.getpid() % 0xFFFF:x}{site.number}{gateway.plane}",
        )

    # making and removing

    def start(self) -> None:
        """Make the namespaces, and every gateway's configuration in force."""
        self._make("net")
        self._ip("net", "link add ul type bridge", "link set ul up")
        self._make("stranger")
        self._join("stranger", "ul", "net", "ul", f"{STRANGER}/{UNDERLAY_PREFIX}")
        for site in self.spec.sites:
            self._make(site.name)
            self._ip(
                site.name, "link add lan type bridge", f"address add {self.client(site)}/24 dev lan", "link set lan up"
            )
            for each in site.gateways:
                self._make(f"{site.name}-{each.plane}")
            self.join(site)
            self._start_router(site)
        self.apply(self.spec)

    def join(self, site: SiteSpec, planes: str = "abcd") -> None:
        """Plug a site's gateways in."""
        for at, each in enumerate(site.gateways):
            if each.plane in planes:
                gateway = GatewayId(site.name, each.plane)
                underlay = IPv4Address(0xC6120000 + site.number * 4 + at)
                self._join(str(gateway), "ul", "net", "ul", f"{underlay}/{UNDERLAY_PREFIX}")
                self._join(str(gateway), "lan", site.name, "lan", f"{self.host(gateway).address}/24")

    def apply(self, spec: MeshSpec, only: Callable[[GatewayId], bool] = lambda _gateway: True) -> None:
        """Put a spec in force at every gateway, or at those of `only`, as delivery does: files, then the script."""
        self.spec = spec
        mesh = Mesh(spec)
        with ThreadPoolExecutor(4) as pool:
            list(pool.map(lambda each: self._apply(mesh, each), filter(only, self.gateways())))

    def _apply(self, mesh: Mesh, gateway: GatewayId) -> None:
        plan, host = mesh.gateway(gateway), self.host(gateway)
        self.put(gateway, render_gateway(plan, host), gateway_keys(self.keys, plan))

    def put(self, gateway: GatewayId, files: Mapping[str, str], keys: Mapping[str, str]) -> None:
        """Deliver files and keys as a remote machine gets them. Raises MachineError with what the scripts said."""
        home = self.folder / str(gateway)
        variables = [f"MESH_HOME={home}", f"MESH_RUN={home}/run"]
        command = enter(self.namespace(str(gateway)), ["env", *variables, "sh", "-c", INSTALL])
        run(command, stdin=install_input(pack(files, keys)))

    def kill(self, gateway: GatewayId) -> None:
        """End a gateway at once, as a lost machine does: its programs, and its links."""
        self._kill(self.namespace(str(gateway)))
        self._ip(str(gateway), "link delete ul", "link delete lan")
        (self.folder / str(gateway) / "current").unlink()

    def revive(self, gateway: GatewayId) -> None:
        """A machine in the place of one that was killed."""
        self.join(self._site(gateway), gateway.plane)
        self.apply(self.spec, lambda each: each == gateway)

    def stop(self) -> None:
        """End every program in the namespaces and remove them."""
        for name in self.namespaces:
            self._kill(name)
            run(["ip", "netns", "delete", name])
        for gateway in self.gateways():
            for path in Path("/var/run/wireguard").glob(f"{self.host(gateway).prefix}*.sock"):
                path.unlink()

    # acting inside

    def inside(self, part: str, action: Callable[[], Result]) -> Result:
        """What `action` returns, or raises, in a namespace: sockets it makes stay there."""

        def act() -> Result:
            with (NETNS_FOLDER / self.namespace(part)).open() as handle:
                if LIBC.setns(handle.fileno(), CLONE_NEWNET):
                    raise OSError(ctypes.get_errno(), "setns")
            return action()

        with ThreadPoolExecutor(1) as thread:  # of its own: a thread stays where it went
            return thread.submit(act).result()

    def socket(self, part: str, kind: socket.SocketKind) -> socket.socket:
        """A socket in a namespace."""
        return self.inside(part, lambda: socket.socket(socket.AF_INET, kind))

    def run(self, part: str, *argv: str) -> str:
        """A program's output in a namespace."""
        return run(enter(self.namespace(part), argv))

    def _site(self, gateway: GatewayId) -> SiteSpec:
        return next(site for site in self.spec.sites if site.name == gateway.site)

    def _make(self, part: str) -> None:
        name = self.namespace(part)
        run(["ip", "netns", "add", name])
        self.namespaces.append(name)
        for kind in ("all", "default"):
            run(enter(name, ["sh", "-c", f"echo 1 > /proc/sys/net/ipv6/conf/{kind}/disable_ipv6"]))
        self._ip(part, "link set lo up")

    def _join(self, part: str, link: str, other: str, bridge: str, address: str) -> None:
        end = f"v-{part}"
        self._ip(other, f"link add {end} type veth peer name {link} netns {self.namespace(part)}")
        self._ip(other, f"link set {end} master {bridge} up")
        self._ip(part, f"address add {address} dev {link}", f"link set {link} up")

    def _start_router(self, site: SiteSpec) -> None:
        config = self.folder / f"{site.name}.conf"
        peers = [self.host(GatewayId(site.name, each.plane)) for each in site.gateways]
        config.write_text(router_config(self.client(site), peers))
        control = self.folder / f"{site.name}.ctl"
        self.run(site.name, "bird", "-c", str(config), "-s", str(control), "-P", f"{control}.pid")

    def _ip(self, part: str, *commands: str) -> None:
        for command in commands:
            run(["ip", "-n", self.namespace(part), *command.split()])

    def _kill(self, namespace: str) -> None:
        for pid in run(["ip", "netns", "pids", namespace]).split():
            os.kill(int(pid), signal.SIGKILL)


def router_config(address: str, gateways: list[HostSpec]) -> str:
    """A site's router: takes what its gateways reach, the shortest path first, while BFD hears them."""
    peers = "".join(
        f"protocol bgp {{ local {address} as {each.router_asn}; neighbor {each.address} as {each.gateway_asn};"
        " direct; passive; bfd on; ipv4 { import all; export none; }; }\n"
        for each in gateways
    )
    return (
        f"router id {address};\nprotocol device {{}}\nprotocol direct {{ ipv4; }}\n"
        'protocol bfd { accept ipv4 direct; interface "lan" { interval 1 s; multiplier 3; }; }\n'
        f"protocol kernel {{ ipv4 {{ import none; export where source = RTS_BGP; }}; }}\n{peers}"
    )


def require_lab() -> None:
    """Skip the test where nobody may make namespaces; fail it where a program is missing."""
    if os.geteuid() != 0:
        pytest.skip("network namespaces need root")
    missing = [name for name in PROGRAMS if shutil.which(name) is None]
    assert not missing, f"missing: {', '.join(missing)}; `moltghost prepare --tests` installs them"


@contextmanager
def running(folder: Path, spec: MeshSpec, keys: str) -> Iterator[Lab]:
    """A lab while it is needed."""
    lab = Lab(folder, spec, keys)
    try:
        lab.start()
        yield lab
    finally:
        lab.stop()
