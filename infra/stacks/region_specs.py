"""One region's platform as the specs of its components. Pure."""

from collections.abc import Mapping, Sequence
from ipaddress import IPv4Network
from typing import Any

from components.cluster.spec import PLATFORM_PRIORITY, ClusterSpec, StorageSpec
from components.control_plane.spec import GatewaySpec
from components.labels import Region as RegionName
from infra.settings.machine import EdgeKey
from infra.settings.models import Region


def cluster_spec(region: Region, controller_image: str, api_server_port: int) -> ClusterSpec:
    """The region's cluster. Where replicas may share a node, a standby controller would guard against nothing."""
    return ClusterSpec(
        region=RegionName(region.name),
        controller_image=controller_image,
        controller_replicas=1 if region.gateway.spread == "relaxed" else 2,
        api_server_nodes=region.network.nodes,
        api_server_port=api_server_port,
        storage=StorageSpec(**region.storage.model_dump()),
    )


def gateway_spec(
    region: Region,
    namespace: str,
    image: str,
    api_server_port: int,
    keys: Mapping[str, Any],
    tunnel_source: IPv4Network | None = None,
) -> GatewaySpec:
    """The region's gateway. `keys` is the JWKS edge tokens are verified with."""
    return GatewaySpec(
        region=RegionName(region.name),
        namespace=namespace,
        image=image,
        replicas=region.gateway.replicas,
        spread=region.gateway.spread,
        priority_class=PLATFORM_PRIORITY,
        tunnel_source=tunnel_source,
        api_server_nodes=region.network.nodes,
        api_server_port=api_server_port,
        edge_keys=dict(keys),
    )


def edge_keys(keys: Sequence[EdgeKey]) -> dict[str, Any]:
    """The JWKS of the public keys edge tokens are verified with."""
    return {"keys": [key.model_dump() for key in keys]}
