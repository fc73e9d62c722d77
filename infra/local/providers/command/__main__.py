"""The plugin `pulumi-resource-command`."""

from infra.local.providers.command.provider import CommandProvider
from infra.local.providers.run import run

if __name__ == "__main__":
    run(CommandProvider())
