"""What the edge knows: where it answers, whose keys it takes, where each agent lives."""

from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from components.edge.limits import KeyLimitsSpec, LimitsSpec
from components.labels import AgentId, Region, TenantId
from components.values import Label, Values
from runtime.contract import edge

SCRIPT_MODULE = "index.js"

Place = Annotated[str, Field(pattern=r"^[A-Z]{2,3}$")]
"""One of Cloudflare's colos (`SIN`) or continents (`AS`), as the Worker's runtime names them."""
WebOrigin = Annotated[str, Field(pattern=f"^{edge.ORIGIN_PATTERN}$")]


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
    limits: KeyLimitsSpec | None = None


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
    """Where one agent lives, the best region first, what it runs, and whether it takes requests."""

    tenant: TenantId
    agent: AgentId
    regions: tuple[Region, ...] = Field(min_length=1)
    model: str | None = None
    state: Literal["open", "closed"] = "open"


class RegionSpec(Values):
    """One region as the edge sees it: its gateways, whether they take requests, and the clients it is near to.

    `origin` is the URL of its gateways, as the Worker reaches them by tunnel.
    """

    origin: str
    near: tuple[Place, ...] = ()
    state: Literal["open", "closed"] = "open"


class HookSpec(Values):
    """One webhook: the agent its deliveries are for, and the versions of its secret that are live, two at most.

    `deliver_to` is the URL that gets the agent's answers; None: whoever delivers gets them at once.
    """

    id: Label
    tenant: TenantId
    agent: AgentId
    versions: tuple[Annotated[int, Field(ge=1)], ...] = Field(default=(1,), min_length=1, max_length=2)
    deliver_to: str | None = None


class EdgeTenantSpec(Values):
    """What a tenant has of its own at the edge: its limits, and the web origins whose pages may use its keys."""

    tenant: TenantId
    limits: LimitsSpec = LimitsSpec()
    origins: tuple[WebOrigin, ...] = ()


class EdgeSpec(Values):
    """The Worker of one hostname, and what it knows."""

    region: Region
    account_id: str
    zone_id: str
    hostname: str
    script_name: Label
    script: str = Field(repr=False, min_length=1)
    regions: dict[Region, RegionSpec]
    routes: tuple[RouteSpec, ...]
    api_keys: tuple[ApiKeySpec, ...]
    certificates: tuple[CertificateSpec, ...] = ()
    issuers: tuple[IssuerSpec, ...] = ()
    tenants: tuple[EdgeTenantSpec, ...] = ()
    hooks: tuple[HookSpec, ...] = ()

    @model_validator(mode="after")
    def _routes_lead_somewhere(self) -> Self:
        for route in self.routes:
            where = f"the route of {route.tenant}/{route.agent}"
            if unknown := sorted(set(route.regions) - set(self.regions)):
                raise ValueError(f"{where} names {', '.join(unknown)}: no such region; add it to `regions`")
            if len(set(route.regions)) != len(route.regions):
                raise ValueError(f"{where} names a region twice; keep one")
        return self

    @model_validator(mode="after")
    def _hooks_are_told_apart(self) -> Self:
        ids = [hook.id for hook in self.hooks]
        if twice := sorted({id_ for id_ in ids if ids.count(id_) > 1}):
            raise ValueError(f"hooks: {', '.join(twice)} is there twice; a hook's id is its address, give each its own")
        return self
