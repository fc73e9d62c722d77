"""Rules about where the edge answers: names of the zone, each for one thing, and every agent at its address."""

from collections.abc import Iterator

from infra.plan.tenants import each_tenant
from infra.settings.kinds import GlobalSettings, Tenanted
from infra.settings.models import DevSettings
from infra.settings.problems import Problem
from runtime.contract import paths

_CONSOLE = "moltghost:edge.console.hostname"
_FIXED = frozenset(
    path.removeprefix(f"{paths.CHAT}/")
    for name, path in vars(paths).items()
    if name.isupper() and path.startswith(f"{paths.CHAT}/")
)
"""What stands below the alias that names an agent in its path, and is none."""


def console_is_in_zone(settings: DevSettings | GlobalSettings) -> Iterator[Problem]:
    """The console answers on a name of the edge's zone."""
    edge = settings.edge
    if edge.console is not None and not edge.console.hostname.endswith(f".{edge.zone}"):
        message, remedy = f"is not a name in the zone {edge.zone}", f"Give a name such as console.{edge.zone}"
        yield Problem(_CONSOLE, message, remedy, edge.console.hostname, ("moltghost:edge.zone",))


def hostnames_are_apart(settings: DevSettings | GlobalSettings) -> Iterator[Problem]:
    """No name leads to two places."""
    edge = settings.edge
    if edge.console is not None and edge.console.hostname == edge.hostname:
        message = "is the Worker's too: moltghost:edge.hostname"
        yield Problem(_CONSOLE, message, "Give each its own", edge.hostname, ("moltghost:edge.hostname",))


def no_route_shadows_an_agent(settings: Tenanted) -> Iterator[Problem]:
    """Every agent can be asked at `/v1/chat/<agent>`: none is called as what stands there already."""
    for where, tenant in each_tenant(settings):
        for each, agent in enumerate(tenant.agents):
            if agent.name in _FIXED:
                path = f"{where}.agents[{each}].name"
                message = f"is shadowed: {paths.CHAT}/{agent.name} is a path of the API's own"
                yield Problem(path, message, "Choose another name", agent.name)
