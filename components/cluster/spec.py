"""What a region's Kubernetes cluster is given before any tenant moves in."""

from ipaddress import IPv4Network
from typing import Literal

from pydantic import Field

from components.labels import Region
from components.values import ImageReference, Values

SANDBOX_NAMESPACE = "agent-sandbox-system"
PLATFORM_NAMESPACE = "moltghost-system"
MONITORING_NAMESPACE = "moltghost-monitoring"
PLATFORM_PRIORITY = "moltghost-platform"
AGENT_PRIORITY = "moltghost-agent"
STORAGE_CLASS = "moltghost-agent-data"


class StorageSpec(Values):
    """Where agents' volumes come from.

    `reclaim` is what becomes of a volume whose claim is gone: Retain keeps a customer's data until someone decides.
    """

    provisioner: str
    binding: Literal["Immediate", "WaitForFirstConsumer"] = "WaitForFirstConsumer"
    reclaim: Literal["Delete", "Retain"] = "Retain"
    parameters: dict[str, str] = Field(default_factory=dict)


class ClusterSpec(Values):
    """One region's cluster.

    One of the `controller_replicas` leads, the others stand by: in other zones where `controller_spread` is strict.
    """

    region: Region
    controller_image: ImageReference
    controller_replicas: int = Field(default=3, ge=1)
    controller_spread: Literal["strict", "relaxed"] = "strict"
    api_server_nodes: IPv4Network
    """Addresses the API server answers on, behind its Service."""
    api_server_port: int
    storage: StorageSpec
