"""What the edge knows: where it answers, whose keys it takes, where each agent lives."""

from pydantic import Field

from components.edge.limits import KeyLimitsSpec, LimitsSpec
from components.labels import AgentId, Region, TenantId
from components.values import Label, Values

SCRIPT_MODULE = "index.js"


class ApiKeySpec(Values):
    """One API key by its keyed hash; the key itself is nowhere. `agents` are those it opens; `*`: all of its tenant."""

    tenant: TenantId
    id: Label
    hash: str = Field(pattern=r"^[0-9a-f]{64}$")
    agents: tuple[str, ...] = ("*",)
    limits: KeyLimitsSpec | None = None


class RouteSpec(Values):
    """Where one agent lives."""

    tenant: TenantId
    agent: AgentId
    region: Region


class EdgeTenantSpec(Values):
    """What the edge knows of a tenant beside its keys."""

    tenant: TenantId
    limits: LimitsSpec = LimitsSpec()


class EdgeSpec(Values):
    """The Worker of one hostname. `origins` are the regions' gateways, as the Worker reaches them by tunnel."""

    region: Region
    account_id: str
    zone_id: str
    hostname: str
    script_name: Label
    script: str = Field(repr=False, min_length=1)
    origins: dict[Region, str]
    routes: tuple[RouteSpec, ...]
    api_keys: tuple[ApiKeySpec, ...]
    tenants: tuple[EdgeTenantSpec, ...]
