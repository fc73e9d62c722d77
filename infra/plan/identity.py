"""Rules about names: nothing twice, nothing too long, nothing that is someone else's."""

import re
from collections.abc import Hashable, Iterator, Sequence

from components.labels import is_reserved
from components.naming import (
    MAX_LENGTH,
    PLATFORM,
    claim_name,
    config_name,
    egress_policy_name,
    secret_name,
    skills_name,
)
from infra.plan.tenants import each_tenant
from infra.settings.kinds import GlobalSettings, Tenanted
from infra.settings.models import DevSettings
from infra.settings.problems import Problem

RESERVED_TENANTS = frozenset({PLATFORM, "default", "moltghost", "system"})
RESERVED_TENANT_PREFIXES = ("kube-",)

_LABEL_NAME = re.compile(r"[A-Za-z0-9]([-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?")
_LABEL_DOMAIN = re.compile(r"[a-z0-9]([-a-z0-9.]{0,251}[a-z0-9])?")


def repeated(places: Sequence[tuple[str, Hashable]], what: str) -> Iterator[Problem]:
    """A problem for each place whose value stands at an earlier one; `what` says what the value is."""
    first: dict[Hashable, str] = {}
    for path, value in places:
        if value in first:
            yield Problem(
                path, f"is {what} twice: {first[value]} has it too", "Give each its own", value, (first[value],)
            )
        first.setdefault(value, path)


def ids_are_unique(settings: Tenanted) -> Iterator[Problem]:
    """Tenants, a tenant's agents, and the machine's signing keys each have an id of their own."""
    tenants = [(f"{where}.id", tenant.id) for where, tenant in each_tenant(settings)]
    yield from repeated(tenants, "a tenant's id")
    for where, tenant in each_tenant(settings):
        agents = [(f"{where}.agents[{each}].name", agent.name) for each, agent in enumerate(tenant.agents)]
        yield from repeated(agents, "an agent's name")
        origins = [(f"{where}.origins[{each}]", origin) for each, origin in enumerate(tenant.origins)]
        yield from repeated(origins, "listed")
    if isinstance(settings, DevSettings) and settings.machine is not None:
        edge = [
            (f"moltghost:machine.edge_keys[{at}].kid", key.kid) for at, key in enumerate(settings.machine.edge_keys)
        ]
        yield from repeated(edge, "a key's kid")


def names_are_free(settings: Tenanted) -> Iterator[Problem]:
    """No tenant is called as the platform calls itself."""
    for where, tenant in each_tenant(settings):
        if tenant.id in RESERVED_TENANTS or tenant.id.startswith(RESERVED_TENANT_PREFIXES):
            path = f"{where}.id"
            yield Problem(path, "is a name of the platform's own", "Choose another id", tenant.id)


def derived_names_fit(settings: Tenanted) -> Iterator[Problem]:
    """What is named after an agent is no longer than a name can be."""
    for where, tenant in each_tenant(settings):
        for each, agent in enumerate(tenant.agents):
            longest = max(_derived(agent.name), key=len)
            if len(longest) > MAX_LENGTH:
                message = f"makes the name {longest!r} of {len(longest)} characters; a name has at most {MAX_LENGTH}"
                remedy = f"Shorten it by {len(longest) - MAX_LENGTH}"
                yield Problem(f"{where}.agents[{each}].name", message, remedy, agent.name)


def _derived(agent: str) -> tuple[str, ...]:
    """Every name made of an agent's."""
    any_digest = "0" * 64
    named = (claim_name, egress_policy_name, config_name, secret_name)
    return (*(name(agent) for name in named), skills_name(agent, any_digest))


def labels_are_the_tenants_own(settings: Tenanted) -> Iterator[Problem]:
    """A tenant's labels are well formed, and none steers the platform."""
    for where, tenant in each_tenant(settings):
        for key, value in tenant.labels.items():
            path = f"{where}.labels.{key}"
            if is_reserved(key):
                yield Problem(path, "is a label of the platform's own", "Take it out", value)
            elif not _is_label_key(key):
                yield Problem(path, "is no label key", "Write it as `name` or `your.domain/name`", value)
            elif value and _LABEL_NAME.fullmatch(value) is None:
                remedy = "At most 63 letters, digits, dots, hyphens and underscores, a letter or digit at both ends"
                yield Problem(path, "is no label value", remedy, value)


def _is_label_key(key: str) -> bool:
    domain, separator, name = key.rpartition("/")
    return _LABEL_NAME.fullmatch(name) is not None and (not separator or _LABEL_DOMAIN.fullmatch(domain) is not None)


def hostname_is_in_zone(settings: DevSettings | GlobalSettings) -> Iterator[Problem]:
    """The edge answers on a name of its zone."""
    edge = settings.edge
    if not edge.hostname.endswith(f".{edge.zone}"):
        message = f"is not a name in the zone {edge.zone}"
        yield Problem(
            "moltghost:edge.hostname", message, f"Give a name such as api.{edge.zone}", edge.hostname, (_ZONE,)
        )


_ZONE = "moltghost:edge.zone"
