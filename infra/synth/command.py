"""`moltghost synth`: what a stack declares, without an engine and without any credential."""

import secrets as randomness
from pathlib import Path

import click
import yaml

from infra.synth.fleet import PLAIN_KEY, Fleet, Secrets, fleet_stacks
from infra.synth.model import to_json
from infra.synth.monitor import SynthError
from infra.synth.pool import synth_all
from infra.synth.program import PROJECT

_FILE = click.Path(path_type=Path, dir_okay=False, exists=True)
_FOLDER = click.Path(path_type=Path, file_okay=False)


@click.command()
@click.argument("stacks", nargs=-1)
@click.option("--out", type=_FOLDER, help="Write each record to <STACK>.json in this folder, not to standard output.")
@click.option("--folder", type=_FOLDER, default=PROJECT, help="Where the stack files are, if not in the project.")
@click.option("--config-file", type=_FILE, help="The file of the one STACK, if it is not Pulumi.<STACK>.yaml.")
@click.option(
    "--secrets", "secrets_file", type=_FILE, help="YAML with values of encrypted settings, by stack and name."
)
@click.option("--key-file", type=_FILE, help="What secrets are hashed with; equal ones show in records of one key.")
@click.option("--jobs", type=click.IntRange(1), help="Processes to work with; by itself one a core.")
def synth(
    stacks: tuple[str, ...],
    out: Path | None,
    folder: Path,
    config_file: Path | None,
    secrets_file: Path | None,
    key_file: Path | None,
    jobs: int | None,
) -> None:
    """Record what the program declares for STACKS, by themselves all of the folder but those of kind dev.

    No engine, no cloud and no credential is used. A setting that is encrypted stays so: what is made of it is shown
    as a secret.
    """
    names = list(stacks) or fleet_stacks(folder)
    if config_file is not None and len(stacks) != 1:
        raise click.UsageError("--config-file is the file of one stack: name the stack")
    secrets = _secrets(secrets_file)
    files = {} if config_file is None else {names[0]: config_file.resolve()}
    fleet = Fleet(folder.resolve(), _key(key_file, secrets), secrets, files)
    try:
        made = synth_all(fleet, names, jobs)
    except SynthError as error:
        raise click.ClickException(str(error)) from None
    for name, stack in made.items():
        text = to_json(stack)
        if out is None:
            click.echo(text, nl=False)
        else:
            out.mkdir(parents=True, exist_ok=True)
            (out / f"{name}.json").write_text(text)
            click.echo(f"{name}: {len(stack.resources)} resources")


def _secrets(file: Path | None) -> Secrets:
    given = {} if file is None else yaml.safe_load(file.read_text())
    fits = isinstance(given, dict) and all(
        isinstance(each, dict) and all(isinstance(value, str) for value in each.values()) for each in given.values()
    )
    if not fits:  # nothing of the file is quoted: it holds secrets
        raise click.UsageError(f"{file}: must map each stack to its settings' values, as text")
    return {str(stack): {str(name): value for name, value in each.items()} for stack, each in given.items()}


def _key(file: Path | None, secrets: Secrets) -> bytes:
    """A key of one's own where secrets are hashed: with a known one a short secret could be guessed from its hash."""
    if file is not None:
        return file.read_bytes()
    return randomness.token_bytes(32) if secrets else PLAIN_KEY
