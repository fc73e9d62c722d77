"""`moltghost receipts`: what a customer or an auditor does with an agent's receipts, without any server."""

import json
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import click
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from runtime.receipts import HASH, KeyFormatError, Verdict, load_public_keys, verify_files

_FILE = click.Path(exists=True, dir_okay=False, readable=True, path_type=Path)
_KEY_BYTES = 65_536


class _Hash(click.ParamType[str]):
    """A receipt's hash, as responses carry it."""

    name = "hash"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> str:
        """The hash. Fails if it is none."""
        if not isinstance(value, str) or HASH.fullmatch(value) is None:
            self.fail(f"{value!r} is not a receipt's hash: expected 64 lower-case hex digits", param, ctx)
        return value


@click.group()
def receipts() -> None:
    """Work with the receipts of an agent."""


@receipts.command()
@click.argument("files", nargs=-1, required=True, type=_FILE, metavar="FILE...")
@click.option(
    "--key",
    "keys",
    multiple=True,
    required=True,
    type=_FILE,
    help="A public key of the agent's: PEM, JWK or JWKS. Give the retired ones too.",
)
@click.option(
    "--last", type=_Hash(), help="The hash of a receipt that must be there, such as the newest you were given."
)
@click.option("--after", type=_Hash(), help="The hash of the receipt before FILE, if the book begins elsewhere.")
@click.option("--json", "as_json", is_flag=True, help="For programs.")
@click.pass_context
def verify(
    ctx: click.Context,
    files: tuple[Path, ...],
    keys: tuple[Path, ...],
    last: str | None,
    after: str | None,
    as_json: bool,
) -> None:
    """Check the book that lies in FILE..., in this order: that none of its receipts is missing, altered or foreign.

    Exit status: 0 for a whole book, 1 for one with a problem, 2 for a command that cannot be followed.
    """
    public = _public_keys(keys)
    try:
        verdict = verify_files(files, public, last=last, after=after)
    except OSError as error:
        raise click.UsageError(f"{error.filename}: cannot be read ({error.strerror})") from None
    if as_json:
        click.echo(json.dumps({"ok": verdict.ok, **asdict(verdict)}))
    else:
        click.echo(_words(verdict), err=not verdict.ok)
    ctx.exit(0 if verdict.ok else 1)


def _public_keys(files: Sequence[Path]) -> dict[str, Ed25519PublicKey]:
    keys: dict[str, Ed25519PublicKey] = {}
    for path in files:
        try:
            with path.open("rb") as file:
                # What is no text is no key either: say the latter.
                keys |= load_public_keys(file.read(_KEY_BYTES).decode("utf-8", "replace"))
        except KeyFormatError as error:
            raise click.BadParameter(f"{path}: {error}", param_hint="--key") from None
        except OSError as error:
            raise click.BadParameter(f"{path}: cannot be read ({error.strerror})", param_hint="--key") from None
    return keys


def _words(verdict: Verdict) -> str:
    """What was found, in one line for a whole book and two for another."""
    if verdict.tenant is None:
        found = "no receipt"
    else:
        count = f"{verdict.receipts} receipt{'' if verdict.receipts == 1 else 's'}"
        found = f"{count} of {verdict.tenant}/{verdict.agent}, the newest {verdict.head}"
    if verdict.problem is None:
        since = f"; {verdict.since} after the one asked for" if verdict.since else ""
        return f"ok: {found}{since}"
    return f"{verdict.problem}\ngood before that: {found}"
