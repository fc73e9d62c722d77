"""WireGuard configurations wherever they are declared: in the bundle a gateway is given, or as text."""

import base64
import binascii
import io
import tarfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

from policies.field import Field, Findings, inputs_of
from policies.record import Resource
from policies.rule import ResourceCheck

_HOLDERS = {
    "aws:secretsmanager/secretVersion:SecretVersion": ("secretBinary", "secretString"),
    "command:remote:Command": ("stdin",),
    "command:remote:CopyToRemote": ("source",),
}
WIREGUARD_TYPES = tuple(_HOLDERS)
_MESH = "moltghost:network:"
"""In the URN of whatever belongs to a site's gateways."""


@dataclass
class Peer:
    """One `[Peer]`: its keys and values as they are written, the last of a key counting. It may hold no secret."""

    path: str
    values: dict[str, str] = field(default_factory=dict)

    def __getitem__(self, key: str) -> Field:
        return Field(f"{self.path}.{key}", self.values.get(key.lower()))

    def allowed(self) -> list[str]:
        """Its AllowedIPs."""
        return [part.strip() for part in self.values.get("allowedips", "").split(",") if part.strip()]


def parse(text: str, path: str) -> list[Peer]:
    """The peers of a configuration (wg(8), "CONFIGURATION FILE FORMAT")."""
    peers: list[Peer] = []
    section = ""
    for line in text.splitlines():
        written = line.partition("#")[0].strip()
        if written.startswith("["):
            section = written.strip("[]").lower()
            if section == "peer":
                peers.append(Peer(f"{path}.Peer[{len(peers)}]"))
        elif section == "peer" and "=" in written:
            key, _, value = (part.strip() for part in written.partition("="))
            _keep(peers[-1], key.lower(), value)
    return peers


def _keep(peer: Peer, key: str, value: str) -> None:
    if key == "allowedips" and key in peer.values:
        value = f"{peer.values[key]}, {value}"
    # That there is a key is all that may be known of it.
    peer.values[key] = "(kept secret)" if key == "presharedkey" and value else value


def interfaces_of(holder: Field) -> list[list[Peer]]:
    """The peers of each interface that a value configures; none where it configures none."""
    text = holder.text()
    if "[Interface]" in text:
        return [parse(text, holder.path)]
    files = next(filter(None, (_unpacked(line) for line in text.split())), {})
    found = sorted((name, content) for name, content in files.items() if name.endswith(".conf"))
    return [parse(content, f'{holder.path}["{name}"]') for name, content in found if "[Interface]" in content]


def _unpacked(encoded: str) -> dict[str, str]:
    """The text files of a base64 tar.gz; nothing of anything else."""
    try:
        packed = base64.b64decode(encoded, validate=True)
        with tarfile.open(fileobj=io.BytesIO(packed), mode="r:gz") as archive:
            members = [member for member in archive.getmembers() if member.isfile() and "keys/" not in member.name]
            return {each.name: _text(archive, each) for each in members}
    except (binascii.Error, tarfile.TarError, OSError, EOFError, ValueError):
        return {}


def _text(archive: tarfile.TarFile, member: tarfile.TarInfo) -> str:
    content = archive.extractfile(member)
    return content.read().decode(errors="replace") if content else ""


def _holders(resource: Resource) -> Iterator[Field]:
    for key in _HOLDERS.get(resource.type, ()):
        yield inputs_of(resource)[key]


def per_interface(check: Callable[[list[Peer]], Findings]) -> ResourceCheck:
    """A check of every WireGuard interface a resource configures.

    A gateway's bundle that is unknown, or kept secret as in a record, can't be judged there: the engine, which tells a
    policy pack of secrets, has it judged at the update.
    """

    def judged(resource: Resource) -> Findings:
        for holder in _holders(resource):
            if not holder.is_known and _MESH in resource.urn:
                yield holder.unknown()
            for peers in interfaces_of(holder):
                yield from check(peers)

    return judged


def per_peer(check: Callable[[Peer], Findings]) -> ResourceCheck:
    """A check of every peer of every interface."""
    return per_interface(lambda peers: (finding for peer in peers for finding in check(peer)))
