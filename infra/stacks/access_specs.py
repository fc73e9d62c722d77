"""Who may come in, as the edge's specs. Pure."""

from components.edge.client_certificates_spec import ClientCaSpec, ClientCertificatesSpec
from components.edge.limits import KeyLimitsSpec
from components.edge.spec import ApiKeySpec, CertificateSpec, IssuerSpec
from components.labels import Region, TenantId
from infra.plan import Plan
from infra.settings.access import ApiKey, Scoped
from infra.settings.edge import Edge
from infra.settings.machine import Machine


def api_key_specs(plan: Plan, machine: Machine) -> tuple[ApiKeySpec, ...]:
    """The machine's own keys, one a tenant, and those the tenants were given."""
    own = [ApiKeySpec(tenant=TenantId(key.tenant), id=key.id, hash=key.hash) for key in machine.api_keys]
    given = [_api_key(tenant.id, key) for tenant in plan.tenants for key in tenant.settings.api_keys]
    return (*own, *given)


def _api_key(tenant: TenantId, key: ApiKey) -> ApiKeySpec:
    agents, models, methods = _opened(key)
    return ApiKeySpec(
        tenant=tenant,
        id=key.id,
        hash=key.hash,
        agents=agents,
        models=models,
        methods=methods,
        expires=None if key.expires is None else int(key.expires.timestamp()),
        cidrs=None if key.cidrs is None else tuple(map(str, key.cidrs)),
        limits=None if key.limits is None else KeyLimitsSpec(**key.limits.model_dump()),
    )


def certificate_specs(plan: Plan) -> tuple[CertificateSpec, ...]:
    """The tenants' client certificates."""
    specs = []
    for tenant in plan.tenants:
        for one in tenant.settings.certificates:
            agents, models, methods = _opened(one)
            specs.append(
                CertificateSpec(
                    tenant=tenant.id,
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


def issuer_specs(plan: Plan) -> tuple[IssuerSpec, ...]:
    """Who signs tokens for the tenants."""
    return tuple(
        IssuerSpec(tenant=tenant.id, **issuer.model_dump())
        for tenant in plan.tenants
        for issuer in tenant.settings.issuers
    )


def _opened(credential: Scoped) -> tuple[tuple[str, ...], tuple[str, ...] | None, tuple[str, ...] | None]:
    """The agents, models and methods of a credential; None for all."""
    return (
        tuple(credential.agents),
        None if credential.models is None else tuple(credential.models),
        None if credential.methods is None else tuple(credential.methods),
    )
