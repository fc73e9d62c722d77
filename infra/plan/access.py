"""Rules about who may come in: nothing twice, nothing of another's, nothing that is over."""

from collections.abc import Iterator
from datetime import UTC, datetime

from infra.plan.identity import repeated
from infra.plan.tenants import each_tenant
from infra.settings.access import Scoped
from infra.settings.kinds import Tenanted
from infra.settings.machine import ApiKey as MachineKey
from infra.settings.models import DevSettings, Tenant
from infra.settings.problems import Problem
from runtime.contract import edge


def credentials_have_their_own_ids(settings: Tenanted) -> Iterator[Problem]:
    """An id in the logs says which of a tenant's keys, issuers and certificates it was."""
    machine = _machine_keys(settings)
    ids = [(f"moltghost:machine.api_keys[{at}].id", (key.tenant, key.id)) for at, key in enumerate(machine)]
    for path, tenant in each_tenant(settings):
        for kind in ("api_keys", "issuers", "certificates"):
            ids += [(f"{path}.{kind}[{at}].id", (tenant.id, one.id)) for at, one in enumerate(getattr(tenant, kind))]
    for problem in repeated(ids, "a credential's id"):
        _, name = problem.value if isinstance(problem.value, tuple) else ("", "")
        yield Problem(problem.path, problem.message, problem.remedy, name, problem.involves)


def credentials_are_told_apart(settings: Tenanted) -> Iterator[Problem]:
    """What a client shows names one tenant: no hash, issuer or certificate stands twice."""
    machine = _machine_keys(settings)
    hashes = [(f"moltghost:machine.api_keys[{at}].hash", key.hash) for at, key in enumerate(machine)]
    issuers: list[tuple[str, str]] = []
    certificates: list[tuple[str, str]] = []
    for path, tenant in each_tenant(settings):
        hashes += [(f"{path}.api_keys[{at}].hash", key.hash) for at, key in enumerate(tenant.api_keys)]
        issuers += [(f"{path}.issuers[{at}].issuer", one.issuer) for at, one in enumerate(tenant.issuers)]
        certificates += [
            (f"{path}.certificates[{at}].common_name", edge.certificate_key(one.authority, one.common_name))
            for at, one in enumerate(tenant.certificates)
        ]
    yield from repeated(hashes, "a hash")
    yield from repeated(issuers, "an issuer")
    yield from repeated(certificates, "a certificate")


def credentials_open_what_there_is(settings: Tenanted) -> Iterator[Problem]:
    """A key or certificate names agents of its own tenant's, and models of the stack's."""
    for path, tenant in each_tenant(settings):
        for kind in ("api_keys", "certificates"):
            for at, one in enumerate(getattr(tenant, kind)):
                yield from _unknown(f"{path}.{kind}[{at}]", one, path, tenant, settings)


def _unknown(path: str, credential: Scoped, tenants: str, tenant: Tenant, settings: Tenanted) -> Iterator[Problem]:
    agents = {agent.name for agent in tenant.agents}
    for at, name in enumerate(credential.agents):
        if name not in {edge.ALL_AGENTS, *agents}:
            remedy = f"Name one of {', '.join(sorted(agents)) or 'them, when there is one'}, or `*` for all"
            yield Problem(f"{path}.agents[{at}]", "is no agent of this tenant", remedy, name, (f"{tenants}.agents",))
    for at, name in enumerate(credential.models or ()):
        if name not in settings.models:
            remedy = f"Name one of {', '.join(sorted(settings.models)) or 'them, when there is one'}"
            yield Problem(f"{path}.models[{at}]", "is not listed", remedy, name, ("moltghost:models",))


def keys_have_not_expired(settings: Tenanted) -> Iterator[Problem]:
    """No key is listed that opens nothing any more."""
    now = datetime.now(UTC)
    for path, tenant in each_tenant(settings):
        for at, key in enumerate(tenant.api_keys):
            if key.expires is not None and key.expires <= now:
                remedy = "Take the key out, or put its successor in its place"
                yield Problem(f"{path}.api_keys[{at}].expires", "is over", remedy, key.expires.isoformat())


def _machine_keys(settings: Tenanted) -> list[MachineKey]:
    """The keys made on the machine a dev stack lands on."""
    return settings.machine.api_keys if isinstance(settings, DevSettings) and settings.machine else []
