"""What `pulumi up` runs: load → plan → assemble → export."""

import gc
import os
from importlib import import_module
from types import ModuleType

import pulumi
from pulumi.runtime import config

from infra.outputs import export
from infra.passphrase import EmptyPassphraseError, require_passphrase
from infra.plan import plan_stack
from infra.settings import ConfigError, draft_settings, read_engine

MODULES = {"dev": "dev", "global": "everywhere", "region": "region", "tenant": "tenant"}
"""The module of infra.stacks that declares each kind of stack."""


async def main() -> None:
    """Declare the stack; what it may have to ask other stacks for is awaited."""
    try:
        require_passphrase(os.environ)
        source = read_engine(pulumi.get_stack(), config.get_config_env(), config.get_config_secret_keys_env())
        plan = plan_stack(draft_settings(source, complete=True))
    except (ConfigError, EmptyPassphraseError) as error:
        raise pulumi.RunError(str(error)) from None
    export(await _load(MODULES[plan.settings.kind]).assemble(plan))


def _load(module: str) -> ModuleType:
    """Import what declares a kind of stack. It brings the cloud SDKs it needs, which cost seconds to load: a sixth more
    where the collector looks through their hundreds of thousands of objects again and again, none of them garbage.
    """
    gc.disable()
    try:
        return import_module(f"infra.stacks.{module}")
    finally:
        gc.freeze()
        gc.enable()


pulumi.run(main)
