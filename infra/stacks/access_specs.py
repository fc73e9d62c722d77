"""Who may come in, and to whom, as the edge's specs. Pure."""

from collections.abc import Sequence

from components.edge.client_certificates_spec import ClientCaSpec, ClientCertificatesSpec
from components.edge.limits import KeyLimitsSpec, LimitsSpec
from components.edge.tenant_edge_spec import (
    ApiKeySpec,
    CertificateSpec,
    HookSpec,
    IssuerSpec,
    RouteSpec,
    TenantEdgeSpec,
)
from components.labels import AgentId, Region, TenantId
from infra.settings.access import ApiKey, Scoped
from infra.settings.edge import Edge
from infra.settings.models import Tenant


def tenant_edge_spec(
    tenant: Tenant, region: Region, account_id: str, regions: Sequence[Region], keys: Sequence[ApiKeySpec] = ()
) -> TenantEdgeSpec:
    """One tenant at the edge, each of its agents in `regions`, the best first. `region` stands in the records' names,
    `keys` come beside those the tenant was given."""
    return TenantEdgeSpec(
        tenant=TenantId(tenant.id),
        region=region,
        account_id=account_id,
        routes=tuple(
            RouteSpec(agent=AgentId(agent.name), regions=tuple(regions), model=agent.model) for agent in tenant.agents
        ),
        api_keys=(*keys, *map(_api_key, tenant.api_keys)),
        certificates=certificate_specs(tenant),
        issuers=issuer_specs(tenant),
        hooks=tuple(
            HookSpec(id=hook.id, agent=AgentId(hook.agent), versions=tuple(hook.versions), deliver_to=hook.deliver_to)
            for hook in tenant.hooks
        ),
        limits=LimitsSpec(**tenant.limits.model_dump()),
        origins=tuple(tenant.origins),
    )


def _api_key(key: ApiKey) -> ApiKeySpec:
    agents, models, methods = _opened(key)
    return ApiKeySpec(
        id=key.id,
        hash=key.hash,
        agents=agents,
        models=models,
        methods=methods,
        expires=None if key.expires is None else int(key.expires.timestamp()),
        cidrs=None if key.cidrs is None else tuple(map(str, key.cidrs)),
        limits=None if key.limits is None else KeyLimitsSpec(**key.limits.model_dump()),
    )


def certificate_specs(tenant: Tenant) -> tuple[CertificateSpec, ...]:
    """A tenant's client certificates."""
    specs = []
    for one in tenant.certificates:
        agents, models, methods = _opened(one)
        specs.append(
            CertificateSpec(
                id=one.id,
                agents=agents,
                models=models,
                methods=methods,
                common_name=one.common_name,
                authority=one.authority,
            )
        )
    return tuple(specs)


def client_certificates_spec(region: Region, edge: Edge) -> ClientCertificatesSpec | None:
    """Whose client certificates the Worker's host name asks for."""
    if not edge.client_cas:
        return None
    return ClientCertificatesSpec(
        region=region,
        account_id=edge.account_id,
        zone_id=edge.zone_id,
        hostname=edge.hostname,
        cas=tuple(ClientCaSpec(id=name, **ca.model_dump()) for name, ca in edge.client_cas.items()),
    )


def issuer_specs(tenant: Tenant) -> tuple[IssuerSpec, ...]:
    """Who signs tokens for a tenant."""
    return tuple(IssuerSpec(**issuer.model_dump()) for issuer in tenant.issuers)


def _opened(credential: Scoped) -> tuple[tuple[str, ...], tuple[str, ...] | None, tuple[str, ...] | None]:
    """The agents, models and methods of a credential; None for all."""
    return (
        tuple(credential.agents),
        None if credential.models is None else tuple(credential.models),
        None if credential.methods is None else tuple(credential.methods),
    )
