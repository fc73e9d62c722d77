"""What a region's pools of nodes are: what they are made of, how many, for whom, and with which volumes."""

from typing import Annotated, Literal

from pydantic import Field

from components.cluster.catalogue import GpuClass
from components.cluster.eks_spec import Minor
from components.labels import Region, TenantId
from components.values import Label, Values

ReleaseVersion = Annotated[str, Field(pattern=r"^1\.\d+\.\d+-\d{8}$")]
"""An EKS AMI release, kubelet's version and the day: `1.36.2-20260728`."""

ReservationId = Annotated[str, Field(pattern=r"^cr-[0-9a-f]{8,17}$")]


class OnDemand(Values):
    """Nodes are bought as they are needed, if AWS has any."""

    kind: Literal["on-demand"] = "on-demand"


class Reservation(Values):
    """Nodes come out of a Capacity Reservation, and out of nothing else."""

    kind: Literal["reservation"] = "reservation"
    id: ReservationId


class Block(Values):
    """Nodes come out of a Capacity Block: paid beforehand, for a time, in one zone, as many as it holds."""

    kind: Literal["block"] = "block"
    id: ReservationId


Capacity = Annotated[OnDemand | Reservation | Block, Field(discriminator="kind")]

Purpose = Literal["system", "memory", "gpu"]
"""What a pool is for: what the platform runs on, high memory on EPYC, agents."""


class PoolSpec(Values):
    """One pool: nodes of one type, in one or more zones.

    `min_nodes` and `max_nodes` are over all zones. `storage` is where agents' volumes are: `network` on EBS, `local`
    on the nodes' own disks, one disk a volume. With `tenant` the nodes are that customer's alone. `release` pins
    kernel, driver and container runtime with the AMI; `root_gb` is the size of the root volume, decimal GB.
    """

    name: Label
    purpose: Purpose
    instance_type: str
    gpu_class: GpuClass | None = None
    zones: Annotated[tuple[str, ...], Field(min_length=1)]
    min_nodes: Annotated[int, Field(ge=0)]
    max_nodes: Annotated[int, Field(ge=1)]
    capacity: Capacity = OnDemand()
    storage: Literal["network", "local"] = "network"
    tenant: TenantId | None = None
    version: Minor
    release: ReleaseVersion
    root_gb: Annotated[int, Field(ge=50, le=2000)] = 100


class PoolsSpec(Values):
    """All pools of a region. They are changed one at a time, in the order `upgrades.wave_order` gives.

    `deletion_protection` keeps the key of nodes' and agents' volumes from a destroy.
    """

    region: Region
    aws_region: str
    account_id: Annotated[str, Field(pattern=r"^\d{12}$")]
    cluster: Label
    cluster_version: Minor
    pools: Annotated[tuple[PoolSpec, ...], Field(min_length=1)]
    key_deletion_window_days: Annotated[int, Field(ge=7, le=30)] = 30
    deletion_protection: bool = True
