"""`moltghost edge-key`: a new key for the edge to sign its tokens with."""

import click

from infra.local.credentials import new_signing_key


@click.command("edge-key")
def edge_key() -> None:
    """Print a new private key for edge tokens, as JWK: to be piped into a secret, never onto a screen."""
    click.echo(new_signing_key())
