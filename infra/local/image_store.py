"""Buildah with a storage of its own in the cache: builds a Dockerfile without a registry or a daemon."""

import os
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from infra.local.go_build import ToolError

CERTIFICATES = Path("/etc/ssl/certs")
PIP_SETTINGS = (
    "PIP_CERT",
    "PIP_DEFAULT_TIMEOUT",
    "PIP_EXTRA_INDEX_URL",
    "PIP_INDEX_URL",
    "PIP_RETRIES",
    "PIP_TRUSTED_HOST",
)
NPM_SETTINGS = ("NPM_CONFIG_CAFILE", "NPM_CONFIG_REGISTRY")
"""How this machine reaches its package registries; a build stage that declares such an ARG gets the machine's value."""
NPM_CAFILE = f"--build-arg=NPM_CONFIG_CAFILE={CERTIFICATES}/ca-certificates.crt"
"""Unlike pip, npm brings certificates of its own: the host's must be named to it."""
EPOCH = "1700000000"
"""The images' creation time, in seconds since 1970: the same inputs give the same digest."""
MOST_LAYERS = 400
"""Images and cached layers the storage may hold before it starts over; a rebuilt image leaves a handful behind."""


@dataclass(frozen=True)
class Build:
    """One image to build."""

    dockerfile: Path
    context: Path
    tools: Path
    """The folder the Dockerfile knows as the build context `tools`."""
    base: str | None
    """What ARG BASE is; None for an image made from scratch."""
    target: str | None = None
    """The stage to build; None for the last one."""


class ImageStore:
    """Buildah's images and cached layers under one folder. One process at a time: the caller holds a lock.

    Layers are cached where the file system can stack them. Where it cannot (a cache that itself lies on an overlay),
    every layer is a full copy, and caching them would take longer than building anew.
    """

    def __init__(self, root: Path) -> None:
        self.root = root
        self.driver = "overlay"
        if self._buildah(["info"], check=False).returncode != 0:
            self.driver = "vfs"

    def has(self, tag: str) -> bool:
        """Whether the storage holds an image of that name."""
        return self._buildah(["images", "--quiet", tag], check=False).returncode == 0

    def add_base(self, archive: Path, tag: str) -> None:
        """Make an image of one layer from a root file system's tar."""
        container = self._buildah(["from", "scratch"]).stdout.strip()
        try:
            self._buildah(["add", "--quiet", container, str(archive), "/"])
            self._buildah(["commit", "--quiet", "--timestamp", EPOCH, container, tag])
        finally:
            self._buildah(["rm", container], check=False)

    def build(self, build: Build, tag: str) -> None:
        """Build an image; what the Dockerfile's programs print last is in the ToolError when that fails."""
        layers = "true" if self.driver == "overlay" else "false"
        command = ["build", "--isolation=chroot", f"--layers={layers}", "--pull-never", f"--timestamp={EPOCH}"]
        command += [f"--file={build.dockerfile}", f"--tag={tag}", f"--build-context=tools={build.tools}"]
        if build.target is not None:
            command.append(f"--target={build.target}")
        if build.base is not None:
            # Behind a proxy with a certificate of its own, a build sees no registry without the host's certificates.
            command += [f"--build-arg=BASE={build.base}", f"--volume={CERTIFICATES}:{CERTIFICATES}:ro"]
            given = [name for name in (*PIP_SETTINGS, *NPM_SETTINGS) if name in os.environ]
            command += [NPM_CAFILE, *(f"--build-arg={name}={os.environ[name]}" for name in given)]
        try:
            self._buildah([*command, str(build.context)])
        except BaseException:
            self._clear()  # a build that fails leaves its stages mounted
            raise

    def export(self, tag: str, archive: Path) -> str:
        """Write the image as an OCI archive that carries its name; returns the digest of its manifest."""
        digest_file = archive.with_suffix(".digest")
        push = ["push", "--quiet", "--compression-level=1", f"--digestfile={digest_file}", tag]
        self._buildah([*push, f"oci-archive:{archive}:{tag}"])
        digest = digest_file.read_text().strip()
        digest_file.unlink()
        return digest

    def tidy(self) -> None:
        """Clear away what a killed build left, and start over when too much has piled up."""
        self._clear()
        if len(self._buildah(["images", "--all", "--quiet"]).stdout.split()) > MOST_LAYERS:
            self._buildah(["rmi", "--all", "--force"])

    def _clear(self) -> None:
        """Remove every working container, and with it its mounts."""
        self._buildah(["rm", "--all"], check=False)

    def _buildah(self, arguments: Sequence[str], check: bool = True) -> subprocess.CompletedProcess[str]:
        folder = self.root / self.driver  # a storage opens with the driver that made it alone
        command = ["buildah", f"--root={folder / 'storage'}", f"--runroot={folder / 'run'}"]
        command += [f"--storage-driver={self.driver}", *arguments]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        if check and done.returncode != 0:
            tail = "\n".join((done.stdout + done.stderr).strip().splitlines()[-15:])
            raise ToolError(f"buildah {arguments[0]} failed (exit status {done.returncode}):\n{tail}")
        return done
