"""`moltghost hook-secret`: the secret a webhook's sender signs with."""

import sys

import click

from components.naming import is_label
from runtime.contract.hooks import hook_secret as derive

_SHORTEST_PEPPER = 32


def _name(_context: click.Context, _parameter: click.Parameter, value: str) -> str:
    if not is_label(value):
        raise click.BadParameter("is no name: at most 63 lower-case letters, digits and hyphens, a letter first")
    return value


@click.command("hook-secret")
@click.argument("tenant", callback=_name)
@click.argument("hook", callback=_name)
@click.option("--version", type=click.IntRange(min=1), default=1, show_default=True, help="The version to tell.")
def hook_secret(tenant: str, hook: str, version: int) -> None:
    """Print the secret of TENANT's webhook HOOK; the pepper is read from standard input.

    pulumi config get moltghost:keyPepper | moltghost hook-secret acme crm
    """
    pepper = sys.stdin.read().removesuffix("\n")
    if len(pepper) < _SHORTEST_PEPPER:
        raise click.ClickException(f"standard input holds no pepper: give its {_SHORTEST_PEPPER} characters or more")
    click.echo(derive(pepper, tenant, hook, version))
