"""What one agent is."""

from enum import StrEnum
from ipaddress import IPv4Network
from typing import Any

from pydantic import Field

from components.labels import AgentId, Region, TenantId
from components.quantities import MAX_VOLUME_GB, MIN_VOLUME_GB
from components.values import ImageReference, Label, Values


class Lifecycle(StrEnum):
    """Whether an agent may be put to sleep when nobody talks to it."""

    ALWAYS_ON = "always-on"
    SUSPENDABLE = "suspendable"


class EgressSpec(Values):
    """One range of public addresses an agent may connect to, on the TCP ports listed."""

    cidr: IPv4Network
    ports: tuple[int, ...] = Field(min_length=1)


class AgentSpec(Values):
    """One agent: one pod, one whole GPU, one volume.

    `cpu` in cores, `memory_gib` in GiB, `volume_gb` in decimal GB. `never` are ranges no egress rule may reach into
    (cloud metadata, the cluster, private networks). `edge_keys` is the JWKS edge tokens are verified with.
    """

    tenant: TenantId
    region: Region
    name: AgentId
    namespace: Label
    image: ImageReference
    model: Label
    context_tokens: int = Field(ge=256)
    gpu_class: Label
    cpu: float = Field(gt=0)
    memory_gib: float = Field(gt=0)
    volume_gb: int = Field(ge=MIN_VOLUME_GB, le=MAX_VOLUME_GB)
    egress: tuple[EgressSpec, ...] = ()
    never: tuple[IPv4Network, ...]
    lifecycle: Lifecycle
    edge_keys: dict[str, Any]
    storage_class: Label
    priority_class: Label
    service_account: Label
