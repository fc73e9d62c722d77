"""`moltghost skills`: what a tenant's developer builds, signs and checks private skills with."""

from pathlib import Path
from typing import Any, NoReturn

import click

from infra.skills.building import build as build_bundle
from infra.skills.keys import new_key, public_bytes, public_text, read_key
from runtime.skills.bundle import Bundle, Expected, verify_bundle, write_bundle
from runtime.skills.errors import SkillError

_FOLDER = click.Path(exists=True, file_okay=False, path_type=Path)
_FILE = click.Path(exists=True, dir_okay=False, path_type=Path)


class _PublicKey(click.ParamType[bytes]):
    """A public key, as `keygen` prints it."""

    name = "public key"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> bytes:
        """The key's bytes. Fails if there are none."""
        try:
            return value if isinstance(value, bytes) else public_bytes(value)
        except ValueError as error:
            self.fail(str(error), param, ctx)


@click.group()
def skills() -> None:
    """Build, sign and check private skills."""


@skills.command()
@click.option(
    "--out", type=click.Path(file_okay=False, path_type=Path), required=True, help="The folder the key is written into."
)
def keygen(out: Path) -> None:
    """Make the key a tenant signs its skills with. The private half stays in a file; the public half is printed."""
    try:
        path = new_key(out)
        public = public_text(read_key(path))
    except SkillError as error:
        _fail(error)
    click.echo(f"private key  {path}   (keep it; whoever has it can change what the agents do)", err=True)
    click.echo("public key, for `skills.key` in the stack file:", err=True)
    click.echo(public)


@skills.command()
@click.argument("folder", type=_FOLDER, metavar="DIR")
@click.option("--key", type=_FILE, required=True, help="The private key `moltghost skills keygen` made.")
@click.option("--tenant", required=True, help="The tenant the skills are for, as the stack file calls it.")
@click.option(
    "--out",
    type=click.Path(dir_okay=False, path_type=Path),
    help="The file to write; <name>-<version>.skills.tar.gz if it is left out.",
)
def build(folder: Path, key: Path, tenant: str, out: Path | None) -> None:
    """Check, compile and sign the skills in DIR: one skill, or a folder of them. Writes a bundle."""
    try:
        bundle = build_bundle(folder, tenant, read_key(key))
    except SkillError as error:
        _fail(error)
    manifest = bundle.manifest
    path = out or Path(f"{manifest.name}-{manifest.version}.skills.tar.gz")
    path.write_bytes(write_bundle(bundle))
    click.echo(f"{path}\n{summary(bundle)}")


@skills.command()
@click.argument("file", type=_FILE)
@click.option("--key", type=_PublicKey(), required=True, help="The public key `moltghost skills keygen` printed.")
@click.option("--tenant", help="The tenant the skills must be for.")
def verify(file: Path, key: bytes, tenant: str | None) -> None:
    """Check that FILE is a whole bundle signed with a key. Exit status 1, and every problem, if it is not."""
    try:
        bundle = verify_bundle(file.read_bytes(), Expected(key, tenant))
    except SkillError as error:
        _fail(error)
    click.echo(summary(bundle))


def summary(bundle: Bundle) -> str:
    """A bundle in a few lines."""
    manifest = bundle.manifest
    lines = [
        f"{manifest.name} {manifest.version} for tenant {manifest.tenant}, OpenClaw {manifest.openclaw} or newer",
        f"digest {manifest.digest}",
    ]
    lines += [f"skill {skill.id} {skill.version}: tools {', '.join(skill.tools)}" for skill in manifest.skills]
    lines += [f"{file.size:>9}  {file.path}" for file in manifest.files]
    return "\n".join([*lines, f"{sum(file.size for file in manifest.files):>9}  in {len(manifest.files)} files"])


def _fail(error: SkillError) -> NoReturn:
    for problem in error.problems:
        click.echo(problem, err=True)
    raise SystemExit(1)
