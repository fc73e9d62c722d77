"""Who may come in, as the edge's specs. Pure."""

from components.edge.client_certificates_spec import ClientCaSpec, ClientCertificatesSpec
from components.edge.limits import KeyLimitsSpec
from components.edge.tenant_edge_spec import ApiKeySpec, CertificateSpec, IssuerSpec
from infra.plan import Plan
from infra.settings.access import ApiKey, Scoped
from infra.settings.machine import Machine
from infra.settings.models import Tenant


def api_key_specs(tenant: Tenant, machine: Machine | None = None) -> tuple[ApiKeySpec, ...]:
    """The machine's own keys of a tenant, and those it was given."""
    played = machine.api_keys if machine else []
    own = [ApiKeySpec(id=key.id, hash=key.hash) for key in played if key.tenant == tenant.id]
    return (*own, *map(_api_key, tenant.api_keys))


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


def client_certificates_spec(plan: Plan) -> ClientCertificatesSpec | None:
    """Whose client certificates the Worker's host name asks for."""
    edge = plan.settings.edge
    if not edge.client_cas:
        return None
    return ClientCertificatesSpec(
        region=plan.region,
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
