"""Rules about the machine a dev stack lands on."""

from collections.abc import Iterator
from urllib.parse import urlsplit

from infra.loopback import is_loopback
from infra.settings.models import Settings
from infra.settings.problems import Problem

_ENDPOINTS = ("aws_endpoint", "cloudflare_endpoint", "gateway_origin")


def endpoints_are_here(settings: Settings) -> Iterator[Problem]:
    """A dev stack speaks to servers of its own machine only, so that test credentials never meet a real account."""
    if settings.machine is None:
        return
    for field in _ENDPOINTS:
        url = getattr(settings.machine, field)
        if not is_loopback(urlsplit(url).hostname):
            remedy = "Give a loopback address, such as http://127.0.0.1:20010"
            yield Problem(f"moltghost:machine.{field}", "is not a server of this machine", remedy, url)


def keys_have_tenants(settings: Settings) -> Iterator[Problem]:
    """Every API key belongs to a tenant of the stack."""
    if settings.machine is None:
        return
    tenants = {tenant.id: f"moltghost:tenants[{at}].id" for at, tenant in enumerate(settings.tenants)}
    for at, key in enumerate(settings.machine.api_keys):
        if key.tenant not in tenants:
            path = f"moltghost:machine.api_keys[{at}].tenant"
            remedy = f"Name one of {', '.join(sorted(tenants))}"
            yield Problem(path, "is no tenant of this stack", remedy, key.tenant, tuple(tenants.values()))
