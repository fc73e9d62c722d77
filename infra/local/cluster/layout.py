"""Where a local region keeps its files, under its state folder."""

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Layout:
    """Folders and files of one state folder."""

    state: Path

    @property
    def kubeconfig(self) -> Path:
        """The administrator's, for people and for the program."""
        return self.state / "kubeconfig"

    @property
    def certificates(self) -> Path:
        return self.state / "pki"

    @property
    def etcd(self) -> Path:
        return self.state / "etcd"

    @property
    def node(self) -> Path:
        """What the node's programs keep: images, containers, their configuration."""
        return self.state / "node"

    @property
    def volumes(self) -> Path:
        """One disk (or folder) a PersistentVolume."""
        return self.state / "volumes"

    @property
    def logs(self) -> Path:
        return self.state / "logs"

    def client_kubeconfig(self, name: str) -> Path:
        """A component's own kubeconfig."""
        return self.certificates / "kubeconfig" / name
