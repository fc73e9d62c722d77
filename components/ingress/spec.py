"""The connectors: cloudflared, in the region."""

from ipaddress import IPv4Network
from typing import Literal

from pydantic import Field

from components.labels import Region
from components.values import ImageReference, Label, Values

CONNECTOR = "connector"
"""Name of the connectors' objects."""

UID = 65532
"""User and group of Cloudflare's image."""

TUNNEL_PORT = 7844
TUNNEL_EDGES = (IPv4Network("198.41.192.0/24"), IPv4Network("198.41.200.0/24"))
"""Where connectors connect to:
https://developers.cloudflare.com/cloudflare-one/connections/connect-networks/configure-tunnels/tunnel-with-firewall/"""


class ConnectorSpec(Values):
    """One region's connectors, in the gateways' own namespace. `spread` is as the gateways'."""

    region: Region
    namespace: Label
    image: ImageReference
    replicas: int = Field(default=3, ge=3)
    spread: Literal["strict", "relaxed"]
    priority_class: Label
