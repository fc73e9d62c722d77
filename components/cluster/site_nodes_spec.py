"""What a region is given of machines at other sites that are nodes of its cluster."""

from typing import Annotated

from pydantic import Field

from components.cluster.catalogue import GpuClass
from components.labels import Region
from components.values import Label, Values


class SiteMachinesSpec(Values):
    """Machines of one site: all have GPUs of one class."""

    site: Label
    gpu_class: GpuClass


class SiteNodesSpec(Values):
    """All sites whose machines are nodes of one region's cluster."""

    region: Region
    aws_region: str
    account_id: Annotated[str, Field(pattern=r"^\d{12}$")]
    cluster: Label
    sites: Annotated[tuple[SiteMachinesSpec, ...], Field(min_length=1)]
