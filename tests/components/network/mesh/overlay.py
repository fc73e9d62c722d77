"""Pods of two nodes at two sites of a lab, as Cilium joins them: VXLAN within WireGuard between the nodes.

    pod 10.99.0.1 ─ VXLAN ─ WireGuard ─ node ═ the mesh ═ node ─ WireGuard ─ VXLAN ─ pod 10.99.0.2

Cilium encrypts what it has wrapped by eBPF, and its WireGuard has no addresses; here they stand in for that. What a
packet comes to on the wire, and by which port, is the same.
"""

from dataclasses import dataclass
from ipaddress import IPv4Address

from components.network.manifests import BETWEEN_NODES
from components.network.mesh.planning import GatewayId
from components.network.mesh.spec import SiteSpec
from infra import mesh_keys
from tests.components.network.mesh.lab import Lab

PORTS = {name: port for name, _, port in BETWEEN_NODES}
VXLAN_BYTES, WIREGUARD_BYTES = 50, 80
FIRST_POD, FIRST_INNER = IPv4Address("10.99.0.1"), IPv4Address("10.98.0.1")


@dataclass(frozen=True)
class Node:
    """One end: its site, and the key pair of its WireGuard."""

    site: SiteSpec
    at: int
    private_key: str

    @property
    def pod(self) -> str:
        """The address of its pod."""
        return str(FIRST_POD + self.at)

    @property
    def inner(self) -> str:
        """Its WireGuard's own address."""
        return str(FIRST_INNER + self.at)


class Overlay:
    """The overlay between the machines of two sites; `mtu` is what Cilium would be told of the way between them."""

    def __init__(self, lab: Lab, sites: tuple[SiteSpec, SiteSpec], mtu: int) -> None:
        self.lab = lab
        self.nodes = [Node(site, at, mesh_keys.new_private_key()) for at, site in enumerate(sites)]
        for own, other in (self.nodes, self.nodes[::-1]):
            self._start(own, other)
        self.set_mtu(mtu)

    def _start(self, own: Node, other: Node) -> None:
        name, part = self._encryption(own), own.site.name
        self.lab.run(part, "sh", "-c", f"wireguard-go {name} >/dev/null 2>&1 </dev/null")
        key = self.lab.folder / f"{name}.key"
        key.write_text(own.private_key)
        self.lab.run(part, "wg", "set", name, "private-key", str(key), "listen-port", str(PORTS["pod-encryption"]),
                     "peer", mesh_keys.public_key(other.private_key), "allowed-ips", f"{other.inner}/32",
                     "endpoint", f"{self.lab.client(other.site)}:{PORTS['pod-encryption']}")  # fmt: skip
        for command in (
            f"address add {own.inner}/32 dev {name}",
            f"link set {name} up",
            f"route add {other.inner}/32 dev {name}",
            f"link add pods type vxlan id 2 local {own.inner} remote {other.inner} dstport {PORTS['vxlan']} nolearning",
            f"address add {own.pod}/24 dev pods",
            "link set pods up",
        ):
            self.lab.run(part, "ip", *command.split())

    def set_mtu(self, mtu: int) -> None:
        """Give WireGuard and pods what is left of a packet of so many bytes."""
        for each in self.nodes:
            for link, bytes_ in ((self._encryption(each), WIREGUARD_BYTES), ("pods", WIREGUARD_BYTES + VXLAN_BYTES)):
                self.lab.run(each.site.name, "ip", "link", "set", link, "mtu", str(mtu - bytes_))

    def _encryption(self, node: Node) -> str:
        gateway = GatewayId(node.site.name, node.site.gateways[0].plane)
        return f"{self.lab.host(gateway).prefix}x"  # the lab removes what is called so
