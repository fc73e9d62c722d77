"""What makes nodes usable to agents: the GPU plugin, the autoscaler, local disks and their classes."""

import re
from ipaddress import IPv4Network
from typing import Annotated

from pydantic import AfterValidator

from components.cluster.pools_manifests import DISKS_DIR
from components.labels import Region
from components.values import ImageReference, Label, Values

LOCAL_CLASS = "moltghost-agent-local"
"""The class of volumes on a node's own disks, for templates that ask for it."""

DISCOVERY_DIR = DISKS_DIR

PLUGIN_FLOOR = (0, 17, 3)
"""The first k8s-device-plugin built with container toolkit 1.17.8, which mends CVE-2025-23266:
https://github.com/NVIDIA/k8s-device-plugin/blob/v0.17.3/go.mod"""

_TAG = re.compile(r":v?(\d+)\.(\d+)\.(\d+)[^@]*@")


def _plugin(image: str) -> str:
    tag = _TAG.search(image)
    if tag is None:
        raise ValueError("must have its version before the digest, as name:v0.19.3@sha256:…")
    if tuple(int(part) for part in tag.groups()) < PLUGIN_FLOOR:
        floor = ".".join(str(part) for part in PLUGIN_FLOOR)
        raise ValueError(f"is older than {floor}, the first without CVE-2025-23266: take a newer one")
    return image


class DevicesSpec(Values):
    """What runs on nodes beside agents.

    `local_disks_image` is given where a pool's volumes are its nodes' own disks; `api_server_nodes` holds the addresses
    the API server answers on.
    """

    region: Region
    aws_region: str
    cluster: Label
    api_server_nodes: IPv4Network
    device_plugin_image: Annotated[ImageReference, AfterValidator(_plugin)]
    autoscaler_image: ImageReference
    local_disks_image: ImageReference | None = None
    autoscaler_replicas: int = 3
