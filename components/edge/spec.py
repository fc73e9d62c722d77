"""What the edge knows: where it answers, whose keys it takes, where each agent lives."""

from pydantic import Field

from components.labels import AgentId, Region, TenantId
from components.values import Label, Values
from runtime.contract import edge

SCRIPT_MODULE = "index.js"


class CredentialSpec(Values):
    """What a credential of a tenant's opens. `agents`: `*` for all; `models` and `methods`: None for all."""

    tenant: TenantId
    id: Label
    agents: tuple[str, ...] = (edge.ALL_AGENTS,)
    models: tuple[str, ...] | None = None
    methods: tuple[str, ...] | None = None


class ApiKeySpec(CredentialSpec):
    """One API key by its keyed hash; the key itself is nowhere.

    `expires` is in seconds since the epoch; `cidrs` are the ranges it may be used from, None for any.
    """

    hash: str = Field(pattern=r"^[0-9a-f]{64}$")
    expires: int | None = None
    cidrs: tuple[str, ...] | None = None


class CertificateSpec(CredentialSpec):
    """One client certificate by its common name and the key identifier (upper-case hex) of the CA that signs it."""

    common_name: str
    authority: str = Field(pattern=r"^[0-9A-F]+$")


class IssuerSpec(Values):
    """Who signs tokens for a tenant: `issuer` is their `iss`, `jwks` the keys' URL; `scope_claim` lists scopes."""

    tenant: TenantId
    id: Label
    issuer: str
    jwks: str
    algorithm: str
    audience: str
    scope_claim: str


class RouteSpec(Values):
    """Where one agent lives, and the model it runs."""

    tenant: TenantId
    agent: AgentId
    region: Region
    model: Label


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
    certificates: tuple[CertificateSpec, ...] = ()
    issuers: tuple[IssuerSpec, ...] = ()
