"""What the edge knows of one tenant: who may come in, to which agents, and how much of it."""

from collections.abc import Hashable, Iterable
from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from components.edge.limits import KeyLimitsSpec, LimitsSpec
from components.labels import AgentId, Region, TenantId
from components.values import Label, Values
from runtime.contract import edge

WebOrigin = Annotated[str, Field(pattern=f"^{edge.ORIGIN_PATTERN}$")]


class CredentialSpec(Values):
    """What a credential opens. `agents`: `*` for all of the tenant's; `models` and `methods`: None for all."""

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
    """Who signs tokens for the tenant: `issuer` is their `iss`, `jwks` the keys' URL; `scope_claim` lists scopes."""

    id: Label
    issuer: str
    jwks: str
    algorithm: str
    audience: str
    scope_claim: str


class RouteSpec(Values):
    """Where one agent lives, the best region first, what it runs, and whether it takes requests."""

    agent: AgentId
    regions: tuple[Region, ...] = Field(min_length=1)
    model: str | None = None
    state: Literal["open", "closed"] = "open"

    @model_validator(mode="after")
    def _regions_differ(self) -> Self:
        if len(set(self.regions)) != len(self.regions):
            raise ValueError(f"the route of {self.agent} names a region twice; keep one")
        return self


class HookSpec(Values):
    """One webhook: the agent its deliveries are for, and the versions of its secret that are live, two at most.

    `deliver_to` is the URL that gets the agent's answers; None: whoever delivers gets them at once.
    """

    id: Label
    agent: AgentId
    versions: tuple[Annotated[int, Field(ge=1)], ...] = Field(default=(1,), min_length=1, max_length=2)
    deliver_to: str | None = None


class TenantEdgeSpec(Values):
    """One tenant at the edge. `origins` are the web origins whose pages may use its keys; `region` stands in the names
    of what is declared."""

    tenant: TenantId
    region: Region
    account_id: str
    routes: tuple[RouteSpec, ...] = ()
    api_keys: tuple[ApiKeySpec, ...] = ()
    certificates: tuple[CertificateSpec, ...] = ()
    issuers: tuple[IssuerSpec, ...] = ()
    hooks: tuple[HookSpec, ...] = ()
    limits: LimitsSpec = LimitsSpec()
    origins: tuple[WebOrigin, ...] = ()

    @model_validator(mode="after")
    def _one_record_each(self) -> Self:
        """Two of a kind with one key would be one record, and the one that was written last would count."""
        _once("routes", "agent", (route.agent for route in self.routes))
        _once("api_keys", "hash", (key.hash for key in self.api_keys))
        _once("certificates", "common_name of one authority", ((c.authority, c.common_name) for c in self.certificates))
        _once("issuers", "issuer", (issuer.issuer for issuer in self.issuers))
        _once("hooks", "id", (hook.id for hook in self.hooks))
        _once("origins", "value", self.origins)
        return self


def _once(field: str, what: str, values: Iterable[Hashable]) -> None:
    seen = list(values)
    if len(set(seen)) != len(seen):
        raise ValueError(f"{field}: two entries have the same {what}; keep one")
