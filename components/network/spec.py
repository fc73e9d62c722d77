"""What a region's own network is given: its addresses, its zones, and what may pass its edges."""

from ipaddress import IPv4Network
from typing import Annotated, Literal, Self

from pydantic import Field, field_validator, model_validator

from components.labels import Region
from components.network.addresses import ZONE_SLOTS, BlockError, RegionRanges, allocate
from components.values import Label, Values

LEAST_ZONES = 3

ROLES = ("nodes", "cluster", "database", "wireguard", "endpoints")
"""Security groups, by what stands in them: nodes, the control plane's interfaces, databases, WireGuard gateways, and
the interfaces AWS's services are reached by."""

Role = Literal["nodes", "cluster", "database", "wireguard", "endpoints"]
Port = Annotated[int, Field(ge=1, le=65535)]
Zone = Annotated[str, Field(pattern=r"^[a-z]{2}(-[a-z]+)+-\d[a-z]$")]
"""A zone's name, as `ap-southeast-1a`: what nodes are labelled with."""

Service = Literal[
    "autoscaling", "ec2", "ecr.api", "ecr.dkr", "eks", "eks-auth", "elasticloadbalancing", "kms", "logs", "monitoring",
    "secretsmanager", "ssm", "ssmmessages", "sts",
]  # fmt: skip
"""A service an endpoint leads to, as the end of `com.amazonaws.<region>.…`."""

SERVICES: tuple[Service, ...] = (
    "autoscaling", "ec2", "ecr.api", "ecr.dkr", "eks", "eks-auth", "kms", "logs", "secretsmanager", "sts",
)  # fmt: skip
"""What nodes and gateways can't live without, there being no other way to AWS: a node asks EKS, ECR, EC2, STS and KMS
while it starts (https://docs.aws.amazon.com/eks/latest/userguide/private-clusters.html, 2026-11), pods have their
credentials from EKS Auth, gateways their keys from Secrets Manager, and the autoscaler asks Auto Scaling."""

EVERYWHERE = IPv4Network("0.0.0.0/0")


class EgressSpec(Values):
    """A public range nodes may reach, and by what: it has a route to the zone's NAT gateway, and nothing else has one.

    A pod's own NetworkPolicy says what of it that pod may reach; this is the outer wall, which holds for a node too
    whose kernel is somebody else's.
    """

    name: Label
    range: IPv4Network
    protocol: Literal["tcp", "udp"] = "tcp"
    ports: Annotated[tuple[Port, ...], Field(min_length=1)]

    @field_validator("range")
    @classmethod
    def _public(cls, value: IPv4Network) -> IPv4Network:
        if value != EVERYWHERE and not value.is_global:
            raise ValueError("is not public; other sites are reached through `mesh_ranges`")
        return value


TUNNEL = tuple(
    EgressSpec(name=f"tunnel-{place}-{protocol}", range=IPv4Network(network), protocol=protocol, ports=(7844,))
    for place, network in (("one", "198.41.192.0/24"), ("two", "198.41.200.0/24"))
    for protocol in ("tcp", "udp")
)
"""Where cloudflared dials: both of Cloudflare's regions, by QUIC and by HTTP/2
(https://developers.cloudflare.com/cloudflare-one/connections/connect-networks/configure-tunnels/tunnel-with-firewall/,
2026-11)."""


class NetworkSpec(Values):
    """One region's VPC and all that stands at its edges.

    `block` is the region's range of addresses (see `addresses.py`); `zones` are used in this order, and one is only
    ever added at the end. `wireguard_ports` are the first and last UDP port of the gateways; `wireguard_sources` who
    may send to them, which is everybody where a site has no fixed address. `mesh_ranges` are other sites' private
    ranges; they may reach `mesh_ports` (TCP) of nodes and the cluster's API. `node_ranges` are those of them whose
    machines are nodes of the cluster too. `flow_log_retention_days` is one of CloudWatch's own steps;
    `deletion_protection` keeps their key from a destroy.
    """

    region: Region
    aws_region: str
    account_id: Annotated[str, Field(pattern=r"^\d{12}$")]
    block: IPv4Network
    zones: Annotated[tuple[Zone, ...], Field(min_length=LEAST_ZONES, max_length=ZONE_SLOTS)]
    egress: tuple[EgressSpec, ...] = TUNNEL
    wireguard_ports: tuple[Port, Port] = (51820, 51827)
    wireguard_sources: Annotated[tuple[IPv4Network, ...], Field(min_length=1)] = (EVERYWHERE,)
    mesh_ranges: tuple[IPv4Network, ...] = ()
    mesh_ports: tuple[Port, ...] = ()
    node_ranges: tuple[IPv4Network, ...] = ()
    database_port: Port = 5432
    services: tuple[Service, ...] = SERVICES
    flow_log_retention_days: Literal[30, 60, 90, 120, 150, 180, 365, 400, 545, 731, 1096, 1827, 2192, 2557, 2922] = 90
    key_deletion_window_days: Annotated[int, Field(ge=7, le=30)] = 30
    deletion_protection: bool = True

    @field_validator("block")
    @classmethod
    def _holds_a_region(cls, block: IPv4Network) -> IPv4Network:
        try:
            allocate(block, LEAST_ZONES)
        except BlockError as error:
            raise ValueError(str(error)) from None
        return block

    @model_validator(mode="after")
    def _fits_together(self) -> Self:
        for field, named in (("zones", self.zones), ("egress", [each.name for each in self.egress])):
            if len(set(named)) != len(named):
                raise ValueError(f"{field}: the same name twice")
        for zone in self.zones:
            if not zone.startswith(self.aws_region):
                raise ValueError(f"zones: {zone} is not of {self.aws_region}")
        first, last = self.wireguard_ports
        if first > last:
            raise ValueError(f"wireguard_ports: {first} comes after {last}")
        for other in self.mesh_ranges:
            if other.overlaps(self.block):
                raise ValueError(f"mesh_ranges: {other} overlaps the region's own block {self.block}")
        for each in self.node_ranges:
            if each not in self.mesh_ranges:
                raise ValueError(f"node_ranges: {each} is none of the ranges the mesh joins")
        return self

    @property
    def ranges(self) -> RegionRanges:
        """The region's ranges."""
        return allocate(self.block, len(self.zones))
