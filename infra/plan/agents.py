"""Rules about what agents are made of: their models, their skills, their secrets."""

from collections.abc import Iterator

from components.agent.openclaw_spec import NEVER, SHELL_TOOLS
from infra.settings.models import Agent, Settings
from infra.settings.problems import Problem
from runtime.contract import image

_SOURCES = ("image", "bucket", "claim")


def _agents(settings: Settings) -> Iterator[tuple[int, str, Agent]]:
    """Every agent: its tenant's index, its path, itself."""
    for at, tenant in enumerate(settings.tenants):
        for each, agent in enumerate(tenant.agents):
            yield at, f"moltghost:tenants[{at}].agents[{each}]", agent


def models_have_one_source(settings: Settings) -> Iterator[Problem]:
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


def agents_models_are_listed(settings: Settings) -> Iterator[Problem]:
    """An agent runs a model the stack lists."""
    for _, path, agent in _agents(settings):
        if agent.model not in settings.models:
            known = ", ".join(sorted(settings.models)) or "none yet"
            remedy = f"Name one of the stack's models ({known}), or add it to moltghost:models"
            yield Problem(f"{path}.model", "is not listed", remedy, agent.model, ("moltghost:models",))


def skills_have_a_bundle(settings: Settings) -> Iterator[Problem]:
    """An agent with skills belongs to a tenant that has a bundle of them."""
    for at, path, agent in _agents(settings):
        tenant = settings.tenants[at]
        made_here = settings.machine is None or tenant.id in settings.machine.skills
        if agent.skills and tenant.skills is None and not made_here:
            remedy = f"Give moltghost:tenants[{at}].skills a bundle and its key, or take the skills out"
            message, involved = "are asked for, but the tenant has no bundle", (f"moltghost:tenants[{at}].id",)
            yield Problem(f"{path}.skills", message, remedy, None, involved)


def secrets_are_the_agents_own(settings: Settings) -> Iterator[Problem]:
    """No secret is named twice, or as the platform names its own."""
    for _, path, agent in _agents(settings):
        seen: set[str] = set()
        for at, name in enumerate(agent.secrets):
            place = f"{path}.secrets[{at}]"
            if name == image.RECEIPT_KEY_FILE:
                yield Problem(place, "is the name of the agent's own signing key", "Choose another name", name)
            elif name in seen:
                yield Problem(place, "is listed twice", "Keep one", name)
            seen.add(name)


def tools_can_be_allowed(settings: Settings) -> Iterator[Problem]:
    """No agent is allowed a tool no agent has, nor one that runs programs without it being said."""
    for _, path, agent in _agents(settings):
        for at, tool in enumerate(agent.tools.allow):
            place = f"{path}.tools.allow[{at}]"
            if reason := NEVER.get(tool):
                yield Problem(place, f"is a tool no agent has: {reason}", "Take it out", tool)
            elif tool in SHELL_TOOLS and not agent.tools.exec:
                remedy = "Say `exec: true` beside it, or take it out"
                yield Problem(place, "runs programs in the agent's pod", remedy, tool, (f"{path}.tools.exec",))


def answers_fit_the_context(settings: Settings) -> Iterator[Problem]:
    """The longest answer leaves room for its question."""
    for _, path, agent in _agents(settings):
        if agent.max_tokens >= agent.context_tokens:
            message = f"leaves no room for a question in a context of {agent.context_tokens}"
            remedy = "Give fewer tokens, or more context"
            yield Problem(f"{path}.max_tokens", message, remedy, agent.max_tokens, (f"{path}.context_tokens",))
