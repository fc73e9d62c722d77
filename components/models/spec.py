"""What a model's weights in a bucket are."""

from pydantic import Field

from components.labels import Region, TenantId
from components.quantities import MIN_VOLUME_GB
from components.values import Label, Values

CLAIM_GB = MIN_VOLUME_GB
"""What a claim on a bucket asks for, in decimal GB: Kubernetes wants a figure within the tenant's bounds."""


class BucketModelSpec(Values):
    """A model in an S3 bucket, under a prefix that ends with a slash, as one tenant's agents mount it."""

    tenant: TenantId
    region: Region
    namespace: Label
    model: Label
    bucket: str = Field(pattern=r"^[a-z0-9][-.a-z0-9]{1,61}[a-z0-9]$")
    prefix: str = Field(pattern=r"^([-_.A-Za-z0-9]+/)*$")
    aws_region: str
