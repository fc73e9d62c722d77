"""A stack's tenants, wherever its kind lists them."""

from collections.abc import Iterator

from infra.settings.kinds import Tenanted, TenantSettings
from infra.settings.models import Tenant


def each_tenant(settings: Tenanted) -> Iterator[tuple[str, Tenant]]:
    """Every tenant of a stack and where it stands in the stack's file."""
    if isinstance(settings, TenantSettings):
        yield "moltghost:tenant", settings.tenant
    else:
        yield from ((f"moltghost:tenants[{at}]", tenant) for at, tenant in enumerate(settings.tenants))
