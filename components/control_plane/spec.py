"""The regional gateway."""

from ipaddress import IPv4Network
from typing import Any, Literal

from pydantic import Field

from components.labels import Region
from components.values import ImageReference, Label, Values

GATEWAY = "gateway"
"""Name of the gateway's objects."""


class GatewaySpec(Values):
    """One region's gateway.

    `spread` says what becomes of a replica that finds no node of its own: `strict` leaves it pending, `relaxed` lets it
    share one (for a region of one node). `tunnel_source` is the only address from outside the cluster it answers; none
    where the tunnel's connectors are in the cluster, whose component lets them in.
    """

    region: Region
    namespace: Label
    image: ImageReference
    replicas: int = Field(ge=2)
    spread: Literal["strict", "relaxed"]
    priority_class: Label
    tunnel_source: IPv4Network | None
    api_server_nodes: IPv4Network
    api_server_port: int
    edge_keys: dict[str, Any]
