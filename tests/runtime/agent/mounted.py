"""A folder of secrets as the kubelet mounts and replaces it."""

import itertools
from collections.abc import Mapping
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat


class MountedSecret:
    """Files are links to `..data/<name>`, and `..data` a link that is swapped: readers see all old files or all new."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._versions = itertools.count()
        folder.mkdir(exist_ok=True)

    def put(self, files: Mapping[str, bytes]) -> None:
        """Replace the content of the mount."""
        version, data, draft = f"..version-{next(self._versions)}", self.folder / "..data", self.folder / "..data_tmp"
        (self.folder / version).mkdir()
        for name, content in files.items():
            (self.folder / version / name).write_bytes(content)
        old = data.resolve() if data.is_symlink() else None
        draft.symlink_to(version)
        draft.rename(data)
        for name in files:
            link = self.folder / name
            if not link.is_symlink():
                link.symlink_to(f"..data/{name}")
        if old:
            for path in old.iterdir():
                path.unlink()
            old.rmdir()


def pem(key: Ed25519PrivateKey) -> bytes:
    """A private key as a Secret holds it."""
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
