"""`moltghost model`: what a model is called by."""

from pathlib import Path

import click

from runtime.model.store import StoreError, read_digest


@click.group()
def model() -> None:
    """Look at models' weights."""


@model.command()
@click.argument("folder", type=click.Path(exists=True, file_okay=False, path_type=Path))
@click.option("--name", help="Which model, as NAME or NAME:TAG; by itself the only one there.")
def digest(folder: Path, name: str | None) -> None:
    """Print a model's digest, as a stack file names it.

    FOLDER is a model server's store: what `ollama pull` leaves under OLLAMA_MODELS, and what a source must hold.
    """
    try:
        click.echo(read_digest(folder, name))
    except StoreError as error:
        raise click.ClickException(str(error)) from None
