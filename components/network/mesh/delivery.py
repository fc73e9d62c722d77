"""How a gateway gets its configuration: one bundle of files and keys, the same for every kind of machine."""

import base64
import gzip
import hashlib
import io
import json
import tarfile
from collections.abc import Iterator, Mapping

from components.network.mesh.keys import gateway_keys
from components.network.mesh.planning import GatewayPlan, MeshError
from components.network.mesh.rendering import APPLY, TEMPLATES, render_gateway, source_of
from components.network.mesh.spec import HostSpec

MAX_BUNDLE_BYTES = 65536
"""What one secret holds (https://docs.aws.amazon.com/secretsmanager/latest/userguide/reference_limits.html)."""

UNITS = ("moltghost-mesh.service", "moltghost-mesh-routing.service")

INSTALL = (
    'umask 077; script=$(mktemp) && read -r first && printf %s "$first" | base64 -d >"$script" && '
    'base64 -d | sh "$script"; status=$?; rm -f "$script"; exit $status'
)
"""What a remote machine runs: the first line of its standard input is the installing script, the rest the bundle."""


def build_bundle(plan: GatewayPlan, host: HostSpec, stored_keys: str) -> bytes:
    """A gateway's files, keys, units and scripts (tar.gz). The same input gives the same bytes. It is a secret.

    Raises MeshError, which quotes no key, if a key is missing or the bundle is too large for a secret.
    """
    files = render_gateway(plan, host)
    return pack(files, gateway_keys(stored_keys, plan))


def pack(files: Mapping[str, str], keys: Mapping[str, str]) -> bytes:
    """Files and keys as a bundle."""
    version = hashlib.sha256(json.dumps([files, sorted(keys)], sort_keys=True).encode()).hexdigest()[:16]
    members = dict(_members(files, keys, version))
    packed = io.BytesIO()
    with (
        gzip.GzipFile(fileobj=packed, mode="wb", mtime=0) as compressed,
        tarfile.open(fileobj=compressed, mode="w") as archive,
    ):
        for name, text in sorted(members.items()):
            info = tarfile.TarInfo(name)
            info.size, info.mode = len(text.encode()), 0o600
            archive.addfile(info, io.BytesIO(text.encode()))
    if packed.tell() > MAX_BUNDLE_BYTES:
        raise MeshError(
            f"a gateway's bundle has {packed.tell()} bytes; a secret holds {MAX_BUNDLE_BYTES}: join it to fewer sites"
        )
    return packed.getvalue()


def _members(files: Mapping[str, str], keys: Mapping[str, str], version: str) -> Iterator[tuple[str, str]]:
    yield "version", version
    yield "apply", source_of(APPLY)
    yield from ((f"files/{name}", text) for name, text in files.items())
    yield from ((f"keys/{name}", key) for name, key in keys.items())
    yield from ((f"units/{name}", source_of(name)) for name in UNITS)


def install_input(bundle: bytes) -> str:
    """What INSTALL reads: a secret."""
    return f"{_encoded(source_of('install.sh').encode())}\n{_encoded(bundle)}\n"


def build_user_data(aws_region: str, secret: str) -> str:
    """What a gateway's instance is started with: the name of its secret, never what is in it."""
    source = json.dumps({"region": aws_region, "secret": secret})
    scripts = {"install": "install.sh", "fetch": "fetch.py"}
    encoded = {name: _encoded(source_of(template).encode()) for name, template in scripts.items()}
    return TEMPLATES.get_template("user_data.yaml.j2").render(source=source, **encoded)


def _encoded(content: bytes) -> str:
    return base64.b64encode(content).decode()
