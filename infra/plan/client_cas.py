"""Rules about whose client certificates are taken: each authority once, none that is over, and those tenants name."""

from collections.abc import Iterator
from datetime import UTC, datetime

from infra.plan.identity import repeated
from infra.plan.tenants import each_tenant
from infra.settings.client_cas import key_identifier, load_ca
from infra.settings.kinds import GlobalSettings
from infra.settings.models import DevSettings
from infra.settings.problems import Problem

_CAS = "moltghost:edge.client_cas"


def cas_are_told_apart(settings: DevSettings | GlobalSettings) -> Iterator[Problem]:
    """A subject key identifier names one CA: whoever makes a CA chooses it, and could choose another's."""
    identifiers = [
        (f"{_CAS}.{name}.certificate", key_identifier(load_ca(ca.certificate)))
        for name, ca in settings.edge.client_cas.items()
    ]
    yield from repeated(identifiers, "a CA's subject key identifier")


def cas_have_not_expired(settings: DevSettings | GlobalSettings) -> Iterator[Problem]:
    """No CA is trusted whose certificates are good for nothing any more."""
    now = datetime.now(UTC)
    for name, ca in settings.edge.client_cas.items():
        end = load_ca(ca.certificate).not_valid_after_utc
        if ca.trusted and end <= now:
            remedy = "List its successor by another id; give this one `trusted: false`, deploy, and take it out"
            yield Problem(f"{_CAS}.{name}.certificate", "is over", remedy, end.isoformat())


def certificates_have_a_ca(settings: DevSettings) -> Iterator[Problem]:
    """What signs a tenant's client certificate is a CA the edge trusts."""
    trusted = {
        key_identifier(load_ca(ca.certificate)): name for name, ca in settings.edge.client_cas.items() if ca.trusted
    }
    known = ", ".join(f"{identifier} ({name})" for identifier, name in sorted(trusted.items()))
    for where, tenant in each_tenant(settings):
        for each, certificate in enumerate(tenant.certificates):
            if certificate.authority not in trusted:
                path = f"{where}.certificates[{each}].authority"
                remedy = f"List that CA under `edge.client_cas`{f', or name one of {known}' if known else ''}"
                yield Problem(path, "is no CA the edge trusts", remedy, certificate.authority, (_CAS,))
