"""What `pulumi up` runs: load → plan → assemble → export."""

from importlib import import_module

import pulumi
from pulumi.runtime import config

from infra.outputs import export
from infra.plan import plan_stack
from infra.settings import ConfigError, draft_settings, read_engine

MODULES = {"dev": "dev", "global": "everywhere", "region": "region", "tenant": "tenant"}
"""The module of infra.stacks that declares each kind of stack."""


async def main() -> None:
    """Declare the stack; what it may have to ask other stacks for is awaited."""
    try:
        source = read_engine(pulumi.get_stack(), config.get_config_env(), config.get_config_secret_keys_env())
        plan = plan_stack(draft_settings(source, complete=True))
    except ConfigError as error:
        raise pulumi.RunError(str(error)) from None
    # It brings the cloud SDKs it needs, which cost seconds to load.
    export(await import_module(f"infra.stacks.{MODULES[plan.settings.kind]}").assemble(plan))


pulumi.run(main)
