"""`moltghost mesh keys`: the keys of the mesh, made once each and never shown."""

import base64
import json
import secrets
import sys
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

import click
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from pydantic import ValidationError

from components.network.mesh.keys import gateway_keys, is_private, needed_keys, private_key_name
from components.network.mesh.planning import GatewayId, Mesh, MeshError
from infra.plan.mesh import mesh_spec
from infra.settings.mesh import MeshSettings, Site
from infra.settings.problems import ConfigError, path_of
from infra.settings.source import read_file

_ANY_KEY = "A" * 43 + "="
"""Stands in for public keys that are about to be made, so that the rest of the file can be read."""


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


def only(stored: Mapping[str, str], names: Iterable[str]) -> dict[str, str]:
    """`stored` without keys that nobody uses: of a generation or a site that is gone."""
    wanted = set(names)
    return {name: key for name, key in stored.items() if name in wanted}


def read_mesh(path: Path, generations: tuple[int, ...]) -> Mesh:
    """The mesh a stack file declares, whatever public keys it has so far; of its own generations where none is given.

    Raises ConfigError, MeshError or ValidationError where its sites are not usable.
    """
    values = read_file(path).values
    shared = dict(values.get("mesh") or {})
    wanted = list(generations) or list(shared.get("generations") or [1])
    settings = MeshSettings(**(shared | {"generations": wanted}))
    sites = [Site(**_any_keys(each, wanted)) for each in values.get("sites") or []]
    return Mesh(mesh_spec(settings, sites))


def _any_keys(site: Mapping[str, Any], generations: Iterable[int]) -> dict[str, Any]:
    keys = [{"generation": number, "key": _ANY_KEY} for number in generations]
    return {**site, "gateways": [{**each, "keys": keys} for each in site.get("gateways") or []]}


def public_lines(mesh: Mesh, stored: Mapping[str, str]) -> Iterator[str]:
    """The public keys as they stand in the stack file, under the gateway each belongs to."""
    for site in mesh.spec.sites:
        for each in site.gateways:
            own = GatewayId(site.name, each.plane)
            yield f"# {own}"
            yield "keys:"
            for generation in sorted(mesh.spec.generations):
                key = public_key(stored[private_key_name(own, generation)])
                yield f"  - {{generation: {generation}, key: {key}}}"


def require_own_halves(stored: str, mesh: Mesh, gateways: Iterable[GatewayId]) -> str:
    """The stored keys, if each gateway's private keys are those whose public halves its neighbours are told.

    With another key no tunnel ever comes up, and nothing says why. Raises MeshError, which quotes no key.
    """
    wrong = []
    for gateway in gateways:
        plan = mesh.gateway(gateway)
        held = gateway_keys(stored, plan)
        told = next(own for own in mesh.sites[gateway.site].gateways if own.plane == gateway.plane).public_keys
        for generation in mesh.spec.generations:
            private = held[private_key_name(gateway, generation).rpartition("/")[2]]
            if public_key(private) != told[generation]:
                wrong.append(f"{gateway} (generation {generation})")
    if wrong:
        remedy = "write the public halves that `moltghost mesh keys` shows into moltghost:sites"
        raise MeshError(f"moltghost:meshKeys has other keys than others are told of {', '.join(wrong)}: {remedy}")
    return stored


@click.group()
def mesh() -> None:
    """Act on the mesh between sites."""


@mesh.command()
@click.argument("stack_file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option(
    "--generation", "generations", multiple=True, type=click.IntRange(min=1), help="Other ones than the file's."
)
@click.option("--prune", is_flag=True, help="Leave out keys that the file's sites and generations no longer use.")
@click.option("--site", "only_site", help="Make none: take out those of this site's gateways, for its own stack.")
def keys(stack_file: Path, generations: tuple[int, ...], prune: bool, only_site: str | None) -> None:
    """Make the keys that STACK_FILE's sites lack; those there are, on standard input, are kept.

    Private keys go into a pipe alone; public ones are shown.

    \b
    pulumi config get moltghost:meshKeys --stack global |
      moltghost mesh keys Pulumi.global.yaml |
      pulumi config set --secret moltghost:meshKeys --stack global
    \b
    pulumi config get moltghost:meshKeys --stack global |
      moltghost mesh keys Pulumi.global.yaml --site sin |
      pulumi config set --secret moltghost:meshKeys --stack sin
    """
    if sys.stdout.isatty():
        raise click.ClickException("this would show private keys: pipe it into `pulumi config set --secret`")
    computed = _read(stack_file, generations)
    names = sorted({name for plan in computed.gateways() for name in needed_keys(plan)})
    stored = _stored("" if sys.stdin.isatty() else sys.stdin.read())
    if only_site is not None:
        click.echo(json.dumps(_keys_of(computed, only_site, stored), sort_keys=True))
        return
    made = complete(only(stored, names) if prune else stored, names)
    for line in public_lines(computed, made):
        click.echo(line, err=True)
    click.echo(json.dumps(made, sort_keys=True))


def _keys_of(computed: Mesh, site: str, stored: Mapping[str, str]) -> dict[str, str]:
    """The keys a site's own gateways need. Those of a pair are on the other side too; no site has another's private."""
    if site not in computed.sites:
        raise click.ClickException(f"{site} is no site of it: name one of {', '.join(computed.sites)}")
    needed = {name for plan in computed.gateways() if plan.gateway.site == site for name in needed_keys(plan)}
    if missing := sorted(needed - stored.keys()):
        raise click.ClickException(f"{missing[0]} and {len(missing) - 1} others are not there: make them first")
    return only(stored, needed)


def _read(stack_file: Path, generations: tuple[int, ...]) -> Mesh:
    try:
        computed = read_mesh(stack_file, generations)
        _ = computed.neighbours
    except ValidationError as error:
        said = "; ".join(f"{path_of(each['loc'])}: {each['msg']}" for each in error.errors(include_input=False))
        raise click.ClickException(f"{stack_file.name}: a site is not usable: {said}") from None
    except (ConfigError, MeshError) as error:
        raise click.ClickException(str(error)) from None
    return computed


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
