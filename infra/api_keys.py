"""`moltghost key`: makes API keys, and what a stack file says of them."""

import stat
import sys
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import click
from pydantic import ValidationError

from components.naming import is_label
from infra.pepper import PepperError, read_pepper
from infra.settings.access import ApiKey
from infra.settings.fields import LABEL_REMEDY
from infra.settings.loading import message_of
from infra.settings.shape import setting_of
from infra.stack_yaml import dump
from runtime.contract import edge

_OTHERS = stat.S_IRWXG | stat.S_IRWXO
_OPTIONS = {"agents": "--agent", "models": "--model", "methods": "--method", "cidrs": "--cidr"}
"""The options that are given once for each item, by the field they fill."""


_pepper_option = click.option(
    "--pepper",
    type=click.Path(dir_okay=False, allow_dash=True, path_type=Path),
    required=True,
    help="The file that holds the stack's keyPepper, or - for standard input: pulumi config get keyPepper",
)


@click.group()
def key() -> None:
    """Make API keys for tenants, and find them."""


@key.command()
@click.argument("tenant")
@_pepper_option
@click.option("--id", default="default", show_default=True, help="What the logs call the key.")
@click.option("--agent", "agents", multiple=True, help="An agent it opens; all if none is given. Can be repeated.")
@click.option("--model", "models", multiple=True, help="A model whose agents alone it opens. Can be repeated.")
@click.option(
    "--method",
    "methods",
    multiple=True,
    help=f"What alone it is for, of {', '.join(edge.OPERATIONS)}. Can be repeated.",
)
@click.option("--expires", help="When it ends, in UTC, such as 2027-12-31T00:00:00Z.")
@click.option("--cidr", "cidrs", multiple=True, help="A range of addresses it may alone be used from. Can be repeated.")
def new(tenant: str, pepper: Path, **wanted: Any) -> None:
    """Make an API key for TENANT. The key goes to standard output, this once; what the stack file needs beside it."""
    made = edge.new_api_key(tenant)
    record = _record(wanted, hash="0" * 64)
    _require_good(tenant, record)
    record["hash"] = edge.hash_api_key(_read_pepper(pepper), made)
    click.echo(
        f"Give {tenant} this key; it is kept nowhere. Under `api_keys` of the tenant in the stack file:", err=True
    )
    click.echo(dump([record]).rstrip(), err=True)
    click.echo(made)


@key.command("hash")
@click.argument("file", type=click.Path(dir_okay=False, path_type=Path))
@_pepper_option
def hash_(file: Path, pepper: Path) -> None:
    """Print the hash of the API key in FILE, by which the stack file knows it: whose is a key that was found?"""
    found = _read(file, "FILE").strip()
    if not edge.is_api_key(found):
        raise click.UsageError(f"FILE: {file} holds no API key, or one with a typo")
    click.echo(edge.hash_api_key(_read_pepper(pepper), found))


def _record(wanted: Mapping[str, Any], **fields: str) -> dict[str, Any]:
    """The key's entry in a stack file; what was not asked for is left out."""
    given = {name: list(value) if isinstance(value, tuple) else value for name, value in wanted.items() if value}
    return {"id": given.pop("id", ""), **fields, "agents": given.pop("agents", [edge.ALL_AGENTS]), **given}


def _require_good(tenant: str, record: Mapping[str, Any]) -> None:
    """Raise UsageError, with everything that is wrong, unless a stack file could hold the key."""
    problems = []
    if not is_label(tenant):
        problems.append(f"TENANT: is not a DNS label. {LABEL_REMEDY}")
    try:
        entry = ApiKey.model_validate(record)
        if entry.expires is not None and entry.expires <= datetime.now(UTC):
            problems.append("--expires: is over. Give a time to come")
    except ValidationError as error:
        for detail in error.errors():
            name = str(detail["loc"][0])
            setting = setting_of(ApiKey.model_fields[name])
            remedy = f". {setting.remedy}" if setting else ""
            problems.append(f"{_OPTIONS.get(name, f'--{name}')}: {message_of(detail)}{remedy}")
    if problems:
        raise click.UsageError("\n".join(dict.fromkeys(problems)))


def _read_pepper(path: Path) -> str:
    """The pepper in a file of its owner's alone, or on standard input. Raises UsageError; no message quotes it."""
    text = sys.stdin.read() if str(path) == "-" else _read(path, "--pepper")
    try:
        return read_pepper(text)
    except PepperError as error:
        raise click.UsageError(f"--pepper: {error}") from None


def _read(path: Path, what: str) -> str:
    """The text of a file that nobody but its owner may use. Raises UsageError; no message quotes it."""
    try:
        if path.stat().st_mode & _OTHERS:
            raise click.UsageError(f"{what}: others than its owner may use {path}; run `chmod 600 {path}`")
        return path.read_text()
    except OSError as error:
        raise click.UsageError(f"{what}: {path} cannot be read ({error.strerror})") from None
    except UnicodeDecodeError:
        raise click.UsageError(f"{what}: {path} is not text") from None
