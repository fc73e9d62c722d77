"""Rules about the machine a dev stack lands on."""

from collections.abc import Iterator
from urllib.parse import urlsplit

from infra.loopback import is_loopback
from infra.plan.tenants import each_tenant
from infra.settings.fields import Section
from infra.settings.kinds import Settings
from infra.settings.models import DevSettings
from infra.settings.problems import Problem

_ENDPOINTS = ("aws_endpoint", "cloudflare_endpoint", "gateway_origin", "origins")


def endpoints_are_here(settings: Settings) -> Iterator[Problem]:
    """A machine's part leads to servers of that machine only, so that test credentials never meet a real account."""
    if settings.machine is None:
        return
    for path, url in _endpoints(settings.machine):
        if not is_loopback(urlsplit(url).hostname):
            remedy = "Give a loopback address, such as http://127.0.0.1:20010"
            yield Problem(path, "is not a server of this machine", remedy, url)


def _endpoints(machine: Section) -> Iterator[tuple[str, str]]:
    """Every server the machine's part names, and where."""
    for field in _ENDPOINTS:
        named = getattr(machine, field, None)
        if isinstance(named, str):
            yield f"moltghost:machine.{field}", named
        elif named is not None:
            yield from ((f"moltghost:machine.{field}.{name}", url) for name, url in named.items())


def keys_have_tenants(settings: DevSettings) -> Iterator[Problem]:
    """Every API key belongs to a tenant of the stack."""
    if settings.machine is None:
        return
    tenants = {tenant.id: f"{where}.id" for where, tenant in each_tenant(settings)}
    for at, key in enumerate(settings.machine.api_keys):
        if key.tenant not in tenants:
            path = f"moltghost:machine.api_keys[{at}].tenant"
            remedy = f"Name one of {', '.join(sorted(tenants))}"
            yield Problem(path, "is no tenant of this stack", remedy, key.tenant, tuple(tenants.values()))
