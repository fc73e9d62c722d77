"""The platform's part of OpenClaw's configuration, rendered from what an agent's template says.

The pod is the sandbox: OpenClaw's own needs a container engine inside, which a restricted pod has not. So what `exec`
runs, runs as the pod's one user, beside OpenClaw and the supervisor: it can read whatever they can, the agent's secrets
and the key of its receipts included. It can reach nothing else: no other pod, no address the egress list lacks.
"""

import json
from functools import cache
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from components.agent.openclaw_spec import NEVER, SHELL_TOOLS, OpenClawSpec
from runtime.contract import image, ports

PROVIDER = "ollama"
"""Both the provider's name in the configuration and the id of OpenClaw's plugin that speaks to it."""
_TEMPLATES = Path(__file__).parent / "templates"
_TEMPLATE = "openclaw.json.j2"


def render_openclaw(config: OpenClawSpec) -> str:
    """OpenClaw's configuration, as JSON. The same agent always gives the same text."""
    text = (
        _environment()
        .get_template(_TEMPLATE)
        .render(
            agent=config,
            provider=PROVIDER,
            model=f"{PROVIDER}/{config.model}",
            plugins=[PROVIDER, *(skill.id for skill in config.skills)],
            instructions=sorted(name for skill in config.skills for name in skill.instructions),
            tools=_tools(config),
            image=image,
            ports=ports,
        )
    )
    return json.dumps(json.loads(text), indent=1, sort_keys=True) + "\n"


def _tools(config: OpenClawSpec) -> dict[str, list[str]]:
    """The lists of tools: what is on neither list the agent has not; a skill's id stands for all its tools."""
    denied = {*NEVER, *config.tools_deny, *(() if config.exec_allowed else SHELL_TOOLS)}
    # The model reads a skill's instructions with the tool that reads files.
    reading = {"read"} if any(skill.instructions for skill in config.skills) else set()
    shell = set(SHELL_TOOLS) if config.exec_allowed else set()
    allowed = ({skill.id for skill in config.skills} | reading | shell | set(config.tools_allow)) - denied
    # A list that allows nothing OpenClaw takes for a mistake, and fails every request; to have no tool, deny all.
    return {"allow": sorted(allowed), "deny": sorted(denied)} if allowed else {"deny": ["*"]}


@cache
def _environment() -> Environment:
    # Not HTML: every value goes through `literal`, which writes JSON.
    environment = Environment(  # noqa: S701
        loader=FileSystemLoader(_TEMPLATES), undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    environment.filters["literal"] = _literal
    return environment


def _literal(value: Any) -> str:
    """A value as JSON that OpenClaw reads back as it is: it would replace `${NAME}` by an environment variable."""
    return json.dumps(value).replace("${", "$${")
