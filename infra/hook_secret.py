"""`moltghost hook-secret`: the secret a webhook's sender signs with."""

import sys

import click

from components.naming import is_label
from infra.pepper import PepperError, read_pepper
from runtime.contract.hooks import hook_secret as derive


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
    try:
        pepper = read_pepper(sys.stdin.read())
    except PepperError as error:
        raise click.ClickException(f"standard input holds no pepper: it {error}") from None
    click.echo(derive(pepper, tenant, hook, version))
