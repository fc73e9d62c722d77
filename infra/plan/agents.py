"""Rules about what agents are made of: their models, their skills, their secrets."""

from collections.abc import Iterator

from components.agent.openclaw_spec import NEVER, SHELL_TOOLS
from infra.plan.tenants import each_tenant
from infra.settings.kinds import Tenanted
from infra.settings.models import Agent, DevSettings, Tenant
from infra.settings.problems import Problem
from runtime.contract import image

_SOURCES = ("image", "bucket", "claim")


def _agents(settings: Tenanted) -> Iterator[tuple[str, Agent]]:
    """Every agent, and its path."""
    for where, tenant in each_tenant(settings):
        for at, agent in enumerate(tenant.agents):
            yield f"{where}.agents[{at}]", agent


def models_have_one_source(settings: Tenanted) -> Iterator[Problem]:
    """A model's weights come from one place: the one its settings name, or else the machine's own artifact."""
    made_here = settings.machine.models if settings.machine else None
    for name, model in settings.models.items():
        path = f"moltghost:models.{name}"
        given = [source for source in _SOURCES if getattr(model, source) is not None]
        if len(given) > 1:
            message = f"has {len(given)} sources: {', '.join(given)}"
            yield Problem(path, message, "Keep the one its weights come from", None)
        # Without a machine's part nobody knows yet what is made there.
        elif not given and made_here is not None and name not in made_here:
            yield Problem(path, "has no source", f"Give one of {', '.join(_SOURCES)}", None)


def agents_models_are_listed(settings: Tenanted) -> Iterator[Problem]:
    """An agent runs a model the stack lists."""
    for path, agent in _agents(settings):
        if agent.model not in settings.models:
            known = ", ".join(sorted(settings.models)) or "none yet"
            remedy = f"Name one of the stack's models ({known}), or add it to moltghost:models"
            yield Problem(f"{path}.model", "is not listed", remedy, agent.model, ("moltghost:models",))


def skills_have_a_bundle(settings: Tenanted) -> Iterator[Problem]:
    """An agent with skills belongs to a tenant that has a bundle of them."""
    for where, tenant in each_tenant(settings):
        if tenant.skills is None and not _made_here(settings, tenant):
            for at, agent in enumerate(tenant.agents):
                if agent.skills:
                    remedy = f"Give {where}.skills a bundle and its key, or take the skills out"
                    message = "are asked for, but the tenant has no bundle"
                    yield Problem(f"{where}.agents[{at}].skills", message, remedy, None, (f"{where}.id",))


def _made_here(settings: Tenanted, tenant: Tenant) -> bool:
    """Whether the machine makes the tenant's bundle; without a machine's part nobody knows yet."""
    return isinstance(settings, DevSettings) and (settings.machine is None or tenant.id in settings.machine.skills)


def secrets_are_the_agents_own(settings: Tenanted) -> Iterator[Problem]:
    """No secret is named twice, or as the platform names its own."""
    for path, agent in _agents(settings):
        seen: set[str] = set()
        for at, name in enumerate(agent.secrets):
            place = f"{path}.secrets[{at}]"
            if name == image.RECEIPT_KEY_FILE:
                yield Problem(place, "is the name of the agent's own signing key", "Choose another name", name)
            elif name in seen:
                yield Problem(place, "is listed twice", "Keep one", name)
            seen.add(name)


def tools_can_be_allowed(settings: Tenanted) -> Iterator[Problem]:
    """No agent is allowed a tool no agent has, nor one that runs programs without it being said."""
    for path, agent in _agents(settings):
        for at, tool in enumerate(agent.tools.allow):
            place = f"{path}.tools.allow[{at}]"
            if reason := NEVER.get(tool):
                yield Problem(place, f"is a tool no agent has: {reason}", "Take it out", tool)
            elif tool in SHELL_TOOLS and not agent.tools.exec:
                remedy = "Say `exec: true` beside it, or take it out"
                yield Problem(place, "runs programs in the agent's pod", remedy, tool, (f"{path}.tools.exec",))


def answers_fit_the_context(settings: Tenanted) -> Iterator[Problem]:
    """The longest answer leaves room for its question."""
    for path, agent in _agents(settings):
        if agent.max_tokens >= agent.context_tokens:
            message = f"leaves no room for a question in a context of {agent.context_tokens}"
            remedy = "Give fewer tokens, or more context"
            yield Problem(f"{path}.max_tokens", message, remedy, agent.max_tokens, (f"{path}.context_tokens",))
