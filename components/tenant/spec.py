"""What one customer may have in one region."""

from pydantic import Field

from components.labels import Region, TenantId
from components.values import Label, Values

AGENT_ACCOUNT = "agent"
"""The service account agents run under: it has no token and no right."""


class QuotaSpec(Values):
    """A tenant's ceilings in one region. GiB for memory, decimal GB for volumes, whole GPUs.

    `model_claims` are claims on models' weights beside the agents' own volumes, `model_claims_gb` what they ask for.
    """

    agents: int = Field(ge=0)
    gpus: int = Field(ge=0)
    cpu: float = Field(ge=0)
    memory_gib: float = Field(ge=0)
    volumes_gb: int = Field(ge=0)
    model_claims: int = Field(default=0, ge=0)
    model_claims_gb: int = Field(default=0, ge=0)


class TenantSpec(Values):
    """One customer in one region.

    `supplied_labels` are the customer's own; none of them may be the platform's. Agents take requests from the gateways
    in `gateway_namespace`, and are measured by the monitoring in `monitoring_namespace`.
    """

    tenant: TenantId
    region: Region
    namespace: Label
    quota: QuotaSpec
    supplied_labels: dict[str, str] = Field(default_factory=dict)
    gateway_namespace: Label
    monitoring_namespace: Label


class KeyReplicaSpec(Values):
    """The region a customer fails over to: where the replica of its key is, and the only bucket it may be used for."""

    region: Region
    aws_region: str
    bucket_arn: str


class TenantKeySpec(Values):
    """The key one customer's snapshots are encrypted with.

    `bucket_arn` is the only bucket it may be used for, `aws_region` and `account_id` where both live. `replica` is the
    region the customer fails over to, None where it stays at home.
    """

    tenant: TenantId
    region: Region
    aws_region: str
    account_id: str = Field(pattern=r"^\d{12}$")
    bucket_arn: str
    deletion_window_days: int = Field(default=30, ge=7, le=30)
    delete_with_stack: bool = False
    replica: KeyReplicaSpec | None = None
