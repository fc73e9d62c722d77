"""The real node: containerd, kubelet, kube-router and kube-proxy in a network namespace of their own."""

import shutil
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from infra.local.cluster import cgroups, containerd, dataplane, enclosure, kubelet, netns, rbac, s3_driver
from infra.local.cluster.addresses import Addresses
from infra.local.cluster.api import Api
from infra.local.cluster.containerd import PAUSE, ImageArchive, ImageStore
from infra.local.cluster.control_plane import LOOPBACK, ControlPlane
from infra.local.cluster.shell import MachineError
from infra.local.orphans import end_instance
from infra.local.processes import Processes
from infra.local.supervisord import Program


@dataclass(frozen=True)
class Node:
    """Starts the node of one region and removes it."""

    plane: ControlPlane
    processes: Processes

    @property
    def folder(self) -> Path:
        return self.plane.layout.node

    def prepare(self) -> None:
        """What must be there before the supervisor starts: networks, control group, mount points."""
        if not self.processes.alive():
            self._end_leftovers()
        netns.ensure_networks(self.plane.addresses)
        cgroups.ensure_cgroup(self.plane.addresses.cgroup)
        enclosure.prepare(self.folder)

    def start(self, api: Api, images: Sequence[ImageArchive], progress: Callable[[str], None]) -> None:
        """Bring the node up to Ready with all images in place."""
        addresses = self.plane.addresses
        path = f"/api/v1/nodes/{addresses.node_name}"
        api.apply(path, kubelet.build_node(addresses))
        api.merge(f"{path}/status", kubelet.build_status(addresses))
        self._start_containerd(images, progress)
        router = self.plane.kubeconfig(rbac.KUBE_ROUTER)
        proxy = self.plane.kubeconfig("system:kube-proxy")
        tools = self.plane.tools
        progress("starting kubelet, kube-router and kube-proxy")
        self.processes.start(
            [
                self._kubelet(),
                dataplane.kube_router(tools["kube-router"], addresses, router),
                dataplane.kube_proxy(tools["kube-proxy"], self.folder, addresses, proxy),
                self._s3_volumes(api),
            ]
        )

    def _s3_volumes(self, api: Api) -> Program:
        """What serves volumes of buckets; ready once the kubelet knows it."""
        addresses = self.plane.addresses
        csi_node = f"/apis/storage.k8s.io/v1/csinodes/{addresses.node_name}"
        endpoint = f"http://{LOOPBACK}:{addresses.aws}"
        copies = self.folder / "s3-volumes"
        return s3_driver.build_program(
            endpoint, addresses.node_name, copies, lambda: s3_driver.is_registered(api.get(csi_node))
        )

    def _end_leftovers(self) -> None:
        """After a crash: end containers that nobody watches any more, and forget what containerd knew of them."""
        end_instance(self.processes.state)
        cgroups.remove_cgroup(self.plane.addresses.cgroup)
        shutil.rmtree(self.folder / "run", ignore_errors=True)

    def _start_containerd(self, images: Sequence[ImageArchive], progress: Callable[[str], None]) -> None:
        pause = next((image.tag for image in images if image.name == PAUSE), None)
        if pause is None:
            raise MachineError(f"images: none is named {PAUSE!r}; no pod can start without it")
        tools, addresses = self.plane.tools, self.plane.addresses
        store = ImageStore(tools["ctr"], self.processes.supervisor_pid())
        progress("starting containerd")
        self.processes.start([containerd.build_program(tools, self.folder, addresses, pause, store.serves)])
        store.load(images, progress)

    def _kubelet(self) -> Program:
        addresses, layout = self.plane.addresses, self.plane.layout
        authority = self.plane.credentials.authority
        serving = authority.server("kubelet", (str(addresses.node), addresses.node_name))
        kubeconfig = self.plane.kubeconfig(f"system:node:{addresses.node_name}", "system:nodes")
        config = kubelet.build_config(addresses, authority.pair.certificate, serving, self.folder, layout.logs / "pods")
        return kubelet.build_program(self.plane.tools["kubelet"], self.folder, addresses, kubeconfig, config)


def remove(addresses: Addresses, state: Path) -> None:
    """Remove what outlives the node's programs: containers, mounts, control groups, namespaces."""
    cgroups.remove_cgroup(addresses.cgroup)
    enclosure.unmount(state)
    netns.remove_networks(addresses)
