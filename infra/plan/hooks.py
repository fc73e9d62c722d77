"""Rules about webhooks."""

from collections.abc import Iterator

from infra.plan.identity import repeated
from infra.plan.tenants import each_tenant
from infra.settings.kinds import Tenanted
from infra.settings.problems import Problem


def hooks_have_their_own_address(settings: Tenanted) -> Iterator[Problem]:
    """No two hooks of the stack have one id: it is the whole of a hook's address."""
    yield from repeated(
        [
            (f"{where}.hooks[{each}].id", hook.id)
            for where, tenant in each_tenant(settings)
            for each, hook in enumerate(tenant.hooks)
        ],
        "a hook's id",
    )


def hooks_are_for_the_tenants_agents(settings: Tenanted) -> Iterator[Problem]:
    """A hook's deliveries are for an agent of its own tenant's."""
    for where, tenant in each_tenant(settings):
        known = [agent.name for agent in tenant.agents]
        for each, hook in enumerate(tenant.hooks):
            if hook.agent not in known:
                path, agents = f"{where}.hooks[{each}].agent", f"{where}.agents"
                remedy = f"Name one of {', '.join(known)}" if known else "Give the tenant an agent"
                yield Problem(path, "is no agent of this tenant", remedy, hook.agent, (agents,))


def hook_versions_differ(settings: Tenanted) -> Iterator[Problem]:
    """The two live versions of a hook's secret are two."""
    for where, tenant in each_tenant(settings):
        for each, hook in enumerate(tenant.hooks):
            if len(set(hook.versions)) < len(hook.versions):
                path = f"{where}.hooks[{each}].versions[1]"
                yield Problem(path, "is listed twice", "Keep one", hook.versions[1])
