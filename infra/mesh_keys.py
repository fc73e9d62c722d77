"""`moltghost mesh keys`: the keys of the mesh, made once each and never shown."""

import base64
import json
import re
import secrets
import sys
from collections.abc import Iterable, Mapping

import click
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from components.network.mesh.keys import is_private, private_key_name
from components.network.mesh.planning import GatewayId, preshared_key_name

_GATEWAY = re.compile(r"([a-z](?:[-a-z0-9]*[a-z0-9])?)-([a-d])")


def new_private_key() -> str:
    """A new WireGuard private key in base64."""
    return base64.b64encode(X25519PrivateKey.generate().private_bytes_raw()).decode()


def new_preshared_key() -> str:
    """A new preshared key in base64: 256 random bits."""
    return base64.b64encode(secrets.token_bytes(32)).decode()


def public_key(private_key: str) -> str:
    """The public half of a private key, as WireGuard writes it."""
    key = X25519PrivateKey.from_private_bytes(base64.b64decode(private_key))
    return base64.b64encode(key.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)).decode()


def complete(stored: Mapping[str, str], names: Iterable[str]) -> dict[str, str]:
    """`stored` and every key of `names` that is missing in it.

    Keys that are there are kept, so it may be run again when a site or a generation is added.
    """
    keys = dict(stored)
    for name in names:
        if name not in keys:
            keys[name] = new_private_key() if is_private(name) else new_preshared_key()
    return keys


def without(stored: Mapping[str, str], generation: int) -> dict[str, str]:
    """`stored` without a generation that no gateway uses any more."""
    ends = (f"/private-{generation}", f"_{generation}")
    return {name: key for name, key in stored.items() if not name.endswith(ends)}


def public_keys(stored: Mapping[str, str], gateways: Iterable[GatewayId], generations: Iterable[int]) -> dict[str, str]:
    """The public keys to be put into the stack file, by gateway and generation."""
    known = list(generations)
    return {
        f"{each} generation {generation}": public_key(stored[private_key_name(each, generation)])
        for each in sorted(set(gateways))
        for generation in known
    }


def _gateways(_context: click.Context, _parameter: click.Parameter, values: tuple[str, ...]) -> list[GatewayId]:
    found = [_GATEWAY.fullmatch(value) for value in values]
    for value, match in zip(values, found, strict=True):
        if match is None:
            raise click.BadParameter(f"{value} is no gateway: give SITE-PLANE, such as sin-a")
    return [GatewayId(match[1], match[2]) for match in found if match]


@click.group()
def mesh() -> None:
    """Act on the mesh between sites."""


@mesh.command()
@click.argument("gateways", nargs=-1, required=True, callback=_gateways)
@click.option("--generation", "generations", multiple=True, type=click.IntRange(min=1), default=(1,), show_default=True)
@click.option("--drop", "dropped", multiple=True, type=click.IntRange(min=1), help="A generation no longer in use.")
def keys(gateways: list[GatewayId], generations: tuple[int, ...], dropped: tuple[int, ...]) -> None:
    """Make the keys of GATEWAYS that are missing, to be piped into a secret; public keys are shown.

    \b
    pulumi config get moltghost:meshKeys |
      moltghost mesh keys sin-a sin-b jkt-a jkt-b |
      pulumi config set --secret moltghost:meshKeys
    """
    if sys.stdout.isatty():
        raise click.ClickException("this would show private keys: pipe it into `pulumi config set --secret`")
    if set(generations) & set(dropped):
        raise click.ClickException("a generation is both made and dropped: leave one out")
    stored = _stored("" if sys.stdin.isatty() else sys.stdin.read())
    for generation in dropped:
        stored = without(stored, generation)
    made = complete(stored, gateways, generations)
    for name, public in public_keys(made, gateways, generations).items():
        click.echo(f"{name}: {public}", err=True)
    click.echo(json.dumps(made, sort_keys=True))


def _stored(text: str) -> dict[str, str]:
    """The keys there were; none where standard input is empty. What cannot be read is an error, not a fresh start."""
    if not text.strip():
        return {}
    try:
        found = json.loads(text)
    except ValueError:
        found = None
    if not isinstance(found, dict) or not all(isinstance(value, str) for value in found.values()):
        raise click.ClickException("standard input holds no keys of a mesh: nothing was made")
    return found
