"""Bundles for tests."""

import json
from collections.abc import Mapping
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from runtime.skills.bundle import Bundle, Expected, seal
from runtime.skills.manifest import Manifest, Skill, describe_files

TENANT = "acme"
KEY = Ed25519PrivateKey.from_private_bytes(bytes(range(32)))
OTHER_KEY = Ed25519PrivateKey.from_private_bytes(bytes(32))
PUBLIC = KEY.public_key().public_bytes_raw()
OTHER_PUBLIC = OTHER_KEY.public_key().public_bytes_raw()
EXPECTED = Expected(PUBLIC, TENANT)
GENERATION = "..2026_11_21_05_47_00.123456789"

CRM = Skill("crm", "1.2.0", ("crm_query",), ("crm",))
FILES: Mapping[str, bytes] = {
    "crm/package.json": json.dumps({"name": "crm", "version": "1.2.0"}).encode(),
    "crm/openclaw.plugin.json": b'{"id": "crm"}',
    "crm/dist/index.js": b"export default {};\n",
    "crm/skills/crm/SKILL.md": b"---\nname: crm\n---\nAsk it.\n",
    "crm/skills/crm/empty.txt": b"",
}


def manifest_of(files: Mapping[str, bytes] = FILES, tenant: str = TENANT, version: str = "1.2.0") -> Manifest:
    """The manifest of a bundle of the one skill."""
    return Manifest("crm", version, tenant, "2026.5.18", (CRM,), describe_files(files))


def bundle_of(
    files: Mapping[str, bytes] = FILES, key: Ed25519PrivateKey = KEY, tenant: str = TENANT, version: str = "1.2.0"
) -> Bundle:
    """A bundle of the one skill."""
    return seal(manifest_of(files, tenant, version), files, key)


def write_plain(directory: Path, contents: Mapping[str, bytes]) -> Path:
    """The contents as plain files."""
    for path, data in contents.items():
        file = directory / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(data)
    return directory


def mount(directory: Path, contents: Mapping[str, bytes]) -> Path:
    """The contents as the kubelet lays out a ConfigMap's volume."""
    write_plain(directory / GENERATION, contents)
    (directory / "..data").symlink_to(GENERATION)
    for name in {path.partition("/")[0] for path in contents}:
        (directory / name).symlink_to(Path("..data", name))
    # So does the kubelet leave it.
    directory.chmod(0o777)
    return directory
