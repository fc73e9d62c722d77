"""The container runtime of the node: its configuration, its CNI network, the images it holds."""

import json
import os
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Protocol

from infra.local.cluster import enclosure, netns
from infra.local.cluster.addresses import Addresses
from infra.local.cluster.shell import run
from infra.local.files import write_changed
from infra.local.supervisord import Program

SOCKET = "/run/containerd/containerd.sock"
"""Inside the enclosure."""
SHIM = "containerd-shim-runc-v2"
TOOLS = ("containerd", SHIM, "ctr")
PAUSE = "pause"
"""Name of the image that holds a pod's namespaces."""


class ImageArchive(Protocol):
    """An image in an OCI archive: `tag` is the reference inside it, `reference` the one by digest."""

    @property
    def name(self) -> str: ...
    @property
    def archive(self) -> Path: ...
    @property
    def tag(self) -> str: ...
    @property
    def reference(self) -> str: ...


def render_config(cni: Path, sandbox_image: str, shim: Path, *, restrict_oom_score: bool) -> str:
    """containerd's configuration (version 3): only what Kubernetes needs, paths as seen inside the enclosure.

    `shim` is what watches over one pod. It is named, since a search would find an older containerd's first.
    """
    return f"""\
version = 3
root = "/var/lib/containerd"
state = "/run/containerd"
imports = []
disabled_plugins = [
  "io.containerd.differ.v1.erofs", "io.containerd.internal.v1.tracing", "io.containerd.mount-handler.v1.erofs",
  "io.containerd.snapshotter.v1.blockfile", "io.containerd.snapshotter.v1.btrfs",
  "io.containerd.snapshotter.v1.devmapper", "io.containerd.snapshotter.v1.erofs", "io.containerd.snapshotter.v1.zfs",
  "io.containerd.tracing.processor.v1.otlp",
]

[grpc]
  address = "{SOCKET}"

[plugins."io.containerd.internal.v1.opt"]
  path = "/var/lib/containerd/opt"

[plugins."io.containerd.image-verifier.v1.bindir"]
  bin_dir = "/var/lib/containerd/verifiers"

[plugins."io.containerd.nri.v1.nri"]
  disable = true

[plugins."io.containerd.cri.v1.images".pinned_images]
  sandbox = "{sandbox_image}"

[plugins."io.containerd.cri.v1.images".registry]
  config_path = "/var/lib/containerd/no-registry"

[plugins."io.containerd.cri.v1.runtime"]
  restrict_oom_score_adj = {str(restrict_oom_score).lower()}
  netns_mounts_under_state_dir = true

[plugins."io.containerd.cri.v1.runtime".containerd.runtimes.runc]
  runtime_type = "io.containerd.runc.v2"
  runtime_path = "{shim}"

[plugins."io.containerd.cri.v1.runtime".cni]
  bin_dirs = ["/usr/lib/cni"]
  conf_dir = "{cni}"
"""


def render_network(addresses: Addresses) -> str:
    """The pods' network: a link for each pod, so that every packet between two is routed, and thereby judged.

    On a bridge two pods would meet below the rules wherever bridge netfilter is missing.
    """
    ipam = {
        "type": "host-local",
        "dataDir": "/var/lib/cni/networks",
        "ranges": [[{"subnet": str(addresses.pods)}]],
        "routes": [{"dst": "0.0.0.0/0"}],
    }
    plugins = [{"type": "ptp", "ipMasq": False, "mtu": 1500, "ipam": ipam}]
    return json.dumps({"cniVersion": "0.4.0", "name": "pods", "plugins": plugins}, indent=2)


def build_program(
    tools: Mapping[str, Path], folder: Path, addresses: Addresses, sandbox_image: str, ready: Callable[[], bool]
) -> Program:
    """Write the configuration under `folder` and build the program."""
    cni = folder / "cni" / "net.d"
    write_changed(cni / "10-pods.conflist", render_network(addresses))
    text = render_config(cni, sandbox_image, tools[SHIM], restrict_oom_score=not may_lower_oom_score())
    config = write_changed(folder / "containerd.toml", text)
    argv = netns.enter(addresses.node_netns, [str(tools["containerd"]), "--config", str(config), "--log-level", "warn"])
    return Program("containerd", argv, files=[config], ready=ready, deadline_s=30, address=f"unix:{SOCKET} (enclosed)")


def may_lower_oom_score() -> bool:
    """Whether this kernel lets us protect a process from the out-of-memory killer; sandboxes often refuse it."""
    path = Path("/proc/self/oom_score_adj")
    before = path.read_text()
    try:
        path.write_text(str(int(before) - 1))
        path.write_text(before)
    except OSError:
        return False
    return True


class ImageStore:
    """The node's images, reached through the enclosure that process `pid` lives in."""

    def __init__(self, ctr: Path, pid: int) -> None:
        self.ctr = [*enclosure.enter(pid), str(ctr), "--address", SOCKET, "--namespace", "k8s.io"]

    def serves(self) -> bool:
        """Whether containerd answers."""
        run([*self.ctr, "version"], timeout=5)
        return True

    def names(self) -> set[str]:
        """References of all images held."""
        return set(run([*self.ctr, "images", "list", "--quiet"]).split())

    def load(self, images: Iterable[ImageArchive], progress: Callable[[str], None]) -> None:
        """Import what is missing; afterwards each image is known by its tag and by its digest."""
        held = self.names()
        for image in images:
            if {image.tag, image.reference} <= held:
                continue
            progress(f"importing image {image.name}")
            self._run(["import", os.fspath(image.archive)])
            self._run(["tag", "--force", image.tag, image.reference])

    def _run(self, argv: Sequence[str]) -> None:
        run([*self.ctr, "images", *argv], timeout=600)
