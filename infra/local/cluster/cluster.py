"""A whole cluster: control plane, access for its own clients, and a node, real or simulated."""

import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from infra.local.cluster import disks, enclosure, kubelet, node, rbac, s3_driver, simulated
from infra.local.cluster.addresses import Addresses
from infra.local.cluster.api import Api
from infra.local.cluster.containerd import ImageArchive
from infra.local.cluster.control_plane import LOOPBACK, ControlPlane, make_credentials
from infra.local.cluster.layout import Layout
from infra.local.cluster.shell import MachineError
from infra.local.processes import Processes
from infra.local.python_program import python_program
from infra.local.supervisord import Program

ADMINISTRATORS = "system:masters"
NODE_READY_S = 60


class Cluster:
    """One region's cluster; `real` chooses the node."""

    def __init__(self, layout: Layout, addresses: Addresses, *, real: bool) -> None:
        self.layout = layout
        self.addresses = addresses
        self.real = real
        launcher = enclosure.launcher(layout.node) if real else []
        self.processes = Processes(layout.state, launcher)

    def start(
        self, tools: Mapping[str, Path], images: Sequence[ImageArchive], progress: Callable[[str], None]
    ) -> ControlPlane:
        """Bring the cluster up to a ready node. Safe to repeat, also after an interruption."""
        credentials = make_credentials(self.layout, self.addresses)
        host = str(self.addresses.host) if self.real else LOOPBACK
        plane = ControlPlane(tools, self.layout, self.addresses, credentials, host)
        real_node = node.Node(plane, self.processes)
        if self.real:
            progress("network namespaces and control groups")
            real_node.prepare()
        admin = credentials.authority.client("moltghost:admin", ADMINISTRATORS)
        progress("starting etcd and the API server")
        self.processes.start([plane.etcd()])
        self.processes.start([plane.apiserver(admin, advertise=self.real)])
        plane.kubeconfig("moltghost:admin", ADMINISTRATORS, path=self.layout.kubeconfig)
        self.processes.begin(controllers := [plane.controller_manager(), plane.scheduler()])
        with Api(plane.server, credentials.authority.pair.certificate, admin) as api:
            for path, body in {**rbac.build_objects(), s3_driver.OBJECT: s3_driver.build_object()}.items():
                api.apply(path, body)
            if self.real:
                real_node.start(api, images, progress)
            else:
                simulated.start(plane, self.processes, api)
            self.processes.start([self._caretaker(plane), *controllers])
            progress("waiting for the node")
            self._await_node(api)
        return plane

    def remove(self) -> None:
        """Stop everything and remove what outlives a process. The state folder stays."""
        self.processes.shutdown()
        if self.real:
            node.remove(self.addresses, self.layout.state)
        else:
            enclosure.unmount(self.layout.state)  # with no enclosure its volumes are mounted here

    def _caretaker(self, plane: ControlPlane) -> Program:
        self.layout.volumes.mkdir(exist_ok=True)
        kubeconfig = plane.kubeconfig(rbac.CARETAKER)
        name = self.addresses.node_name
        arguments = [f"--kubeconfig={kubeconfig}", f"--volumes={self.layout.volumes}", f"--node={name}"]
        lacking = disks.lacks()
        arguments += [] if lacking else ["--sized"]
        note = f"volumes are folders, sizes not enforced: {lacking}" if lacking else "volumes of the claimed size"
        return python_program("caretaker", "infra.local.cluster.caretaker", arguments, files=[kubeconfig], address=note)

    def _await_node(self, api: Api) -> None:
        path = f"/api/v1/nodes/{self.addresses.node_name}"
        deadline = time.monotonic() + NODE_READY_S
        while not is_ready(found := api.get(path) or {}):
            if time.monotonic() > deadline:
                conditions = (found.get("status") or {}).get("conditions")
                raise MachineError(f"the node is not ready after {NODE_READY_S} s: {conditions}; see `make status`")
            time.sleep(0.1)


def is_ready(found: Mapping[str, object]) -> bool:
    """Whether a Node is Ready and has its GPUs."""
    status = found.get("status")
    if not isinstance(status, dict):
        return False
    ready = any(one["type"] == "Ready" and one["status"] == "True" for one in status.get("conditions") or [])
    return ready and (status.get("allocatable") or {}).get(kubelet.GPU_RESOURCE) == str(kubelet.GPUS)
