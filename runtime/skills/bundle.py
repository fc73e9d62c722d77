"""A bundle: the files, the manifest that lists them, and the tenant's signature under it."""

import base64
import binascii
import hashlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from runtime.skills.archive import pack, unpack
from runtime.skills.errors import SkillError, require
from runtime.skills.manifest import MANIFEST_FILE, SIGNATURE_FILE, Manifest, decode, encode
from runtime.skills.rules import manifest_problems

_OWN_FILES = (MANIFEST_FILE, SIGNATURE_FILE)


@dataclass(frozen=True)
class Bundle:
    """`files` are those the manifest lists, by their paths; `signature` is the 64 bytes under it."""

    manifest: Manifest
    signature: bytes
    files: Mapping[str, bytes]

    @property
    def contents(self) -> dict[str, bytes]:
        """Everything an agent is given, by path: the files, the manifest and its signature."""
        signature = base64.b64encode(self.signature) + b"\n"
        return {**self.files, MANIFEST_FILE: encode(self.manifest), SIGNATURE_FILE: signature}


@dataclass(frozen=True)
class Expected:
    """Which bundle is asked for: signed with this key (32 bytes), and if they are given, for this tenant and no other
    content than that of this digest, so that an older bundle of the tenant's is refused too.
    """

    public_key: bytes
    tenant: str | None = None
    digest: str | None = None


def seal(manifest: Manifest, files: Mapping[str, bytes], key: Ed25519PrivateKey) -> Bundle:
    """Sign a manifest of `files`. Raises SkillError, naming everything that is wrong."""
    require([*manifest_problems(manifest), *file_problems(manifest, files)])
    return Bundle(manifest, key.sign(encode(manifest)), files)


def write_bundle(bundle: Bundle) -> bytes:
    """The bundle as one archive."""
    return pack(bundle.contents)


def read_bundle(archive: bytes) -> Bundle:
    """The bundle in an archive: whole, whoever signed it. Raises SkillError, naming everything that is wrong."""
    return open_bundle(unpack(archive))


def verify_bundle(archive: bytes, expected: Expected) -> Bundle:
    """The bundle in an archive, if it is the one expected. Raises SkillError, naming everything that is wrong."""
    return open_bundle(unpack(archive), expected)


def open_bundle(contents: Mapping[str, bytes], expected: Expected | None = None) -> Bundle:
    """The bundle that files are, by path, if it is the one expected. Raises SkillError, naming all problems."""
    require(f"{name}: is missing" for name in _OWN_FILES if name not in contents)
    raw = contents[MANIFEST_FILE]
    signature = _signature(contents[SIGNATURE_FILE])
    files = {path: data for path, data in contents.items() if path not in _OWN_FILES}
    unlike = [] if expected is None else [*_departures(raw, signature, expected)]
    try:
        manifest = decode(raw)
    except SkillError as error:
        raise SkillError([*unlike, *error.problems]) from None
    require([*unlike, *manifest_problems(manifest), *file_problems(manifest, files), *_foreign(manifest, expected)])
    return Bundle(manifest, signature, files)


def file_problems(manifest: Manifest, files: Mapping[str, bytes]) -> Iterator[str]:
    """Where files differ from what the manifest lists."""
    listed = {file.path: file for file in manifest.files}
    yield from (f"{path}: is not in the manifest" for path in sorted(files.keys() - listed.keys()))
    yield from (f"{path}: is missing" for path in sorted(listed.keys() - files.keys()))
    for path, file in sorted(listed.items()):
        data = files.get(path)
        if data is not None and (len(data) != file.size or hashlib.sha256(data).hexdigest() != file.sha256):
            yield f"{path}: was changed since the bundle was built"


def _departures(raw: bytes, signature: bytes, expected: Expected) -> Iterator[str]:
    if not _is_signed(raw, signature, expected.public_key):
        yield f"{MANIFEST_FILE}: is not signed with the key given, or was changed since"
    elif expected.digest is not None and hashlib.sha256(raw).hexdigest() != expected.digest:
        yield f"{MANIFEST_FILE}: is that of another bundle than {expected.digest}, which was asked for"


def _foreign(manifest: Manifest, expected: Expected | None) -> Iterator[str]:
    if expected is not None and expected.tenant not in (None, manifest.tenant):
        yield f"{MANIFEST_FILE}: the bundle was built for tenant {manifest.tenant}, not for {expected.tenant}"


def _is_signed(raw: bytes, signature: bytes, public_key: bytes) -> bool:
    try:
        Ed25519PublicKey.from_public_bytes(public_key).verify(signature, raw)
    except (InvalidSignature, ValueError):
        return False
    return True


def _signature(text: bytes) -> bytes:
    try:
        signature = base64.b64decode(text, validate=False)
    except binascii.Error:
        signature = b""
    if base64.b64encode(signature) + b"\n" != text:
        raise SkillError([f"{SIGNATURE_FILE}: is no signature"])
    return signature
