"""Ports, networks and names of one local region, all derived from its slot, so that two regions never meet."""

from dataclasses import dataclass
from ipaddress import IPv4Address, IPv4Network

SLOTS = 16
"""A slot is 0…15: that many /20 networks fit into each of the /16 ranges below."""

NODE_NETWORKS = IPv4Network("198.51.100.0/24")
POD_NETWORKS = IPv4Network("198.18.0.0/16")
SERVICE_NETWORKS = IPv4Network("198.19.0.0/16")

WORLD_ADDRESSES = (
    "169.254.169.254",  # where clouds keep their metadata service
    "203.0.113.10",  # a public host
    "203.0.113.20",  # another public host, for rules that admit one of the two
    "10.255.255.10",  # a host of another site's private network
    "192.31.196.10",  # a customer's own service; the range is AS112's sink (RFC 7535), so nobody's host
)
"""Addresses outside the region, played by a network namespace of this machine."""


@dataclass(frozen=True)
class Addresses:
    """What a slot has to itself. Raises ValueError for a slot out of range."""

    slot: int

    def __post_init__(self) -> None:
        if not 0 <= self.slot < SLOTS:
            raise ValueError(
                f"slot: {self.slot} is not one of 0…{SLOTS - 1}; each local region on a machine needs its own"
            )

    def port(self, offset: int) -> int:
        """A TCP port of this slot's hundred."""
        return 20000 + 100 * self.slot + offset

    @property
    def etcd_client(self) -> int:
        return self.port(1)

    @property
    def etcd_peer(self) -> int:
        return self.port(2)

    @property
    def apiserver(self) -> int:
        return self.port(3)

    @property
    def controller_manager(self) -> int:
        return self.port(4)

    @property
    def scheduler(self) -> int:
        return self.port(5)

    @property
    def sandbox_controller(self) -> int:
        """Probes of the controller of Sandboxes, where nodes are simulated."""
        return self.port(6)

    @property
    def aws(self) -> int:
        return self.port(10)

    @property
    def cloudflare(self) -> int:
        return self.port(11)

    @property
    def edge(self) -> int:
        return self.port(12)

    @property
    def tunnel(self) -> int:
        return self.port(13)

    @property
    def kubelet(self) -> int:
        return self.port(20)

    @property
    def node_network(self) -> IPv4Network:
        """The link between the host and the node."""
        return list(NODE_NETWORKS.subnets(new_prefix=28))[self.slot]

    @property
    def host(self) -> IPv4Address:
        """The host's end of the link."""
        return self.node_network[1]

    @property
    def node(self) -> IPv4Address:
        """The node's end of the link."""
        return self.node_network[2]

    @property
    def pods(self) -> IPv4Network:
        return list(POD_NETWORKS.subnets(new_prefix=20))[self.slot]

    @property
    def services(self) -> IPv4Network:
        return list(SERVICE_NETWORKS.subnets(new_prefix=20))[self.slot]

    @property
    def node_netns(self) -> str:
        """Network namespace of the node and its pods."""
        return f"mg{self.slot}-node"

    @property
    def world_netns(self) -> str:
        """Network namespace that plays the world outside."""
        return f"mg{self.slot}-world"

    @property
    def node_name(self) -> str:
        return f"moltghost-{self.slot}"

    @property
    def cgroup(self) -> str:
        """Name of the control group all pods live under."""
        return f"moltghost-{self.slot}"


CLUSTER_PORTS = 40
"""The slot's first port that belongs to a cluster of its EKS."""
PORTS_A_CLUSTER = 8
CLUSTERS = (100 - CLUSTER_PORTS) // PORTS_A_CLUSTER
"""How many clusters the EKS of a slot has room for."""


@dataclass(frozen=True)
class HostedAddresses(Addresses):
    """What one cluster of a slot's EKS has to itself. `number` is 0…6; `service_range` is what was asked for."""

    number: int
    service_range: IPv4Network

    def port(self, offset: int) -> int:
        """A TCP port of this cluster's."""
        if offset >= PORTS_A_CLUSTER:
            raise ValueError(f"port: a hosted cluster has {PORTS_A_CLUSTER} ports, and {offset} is asked for")
        return super().port(CLUSTER_PORTS + PORTS_A_CLUSTER * self.number + offset)

    @property
    def services(self) -> IPv4Network:
        return self.service_range
