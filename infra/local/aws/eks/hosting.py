"""Where clusters really run: a control plane of this machine each, its programs under the region's supervisor."""

import json
import shutil
import threading
import time
from base64 import b64encode
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from ipaddress import IPv4Network
from pathlib import Path
from typing import Any, Protocol
from urllib.parse import quote

import yaml

from components.cluster import controller
from infra.local.catalogue import KUBERNETES
from infra.local.cluster import rbac, simulated
from infra.local.cluster.addresses import CLUSTERS, HostedAddresses
from infra.local.cluster.api import Api
from infra.local.cluster.cluster import ADMINISTRATORS
from infra.local.cluster.control_plane import LOOPBACK, ControlPlane, Credentials, make_credentials
from infra.local.cluster.encryption import build_config
from infra.local.cluster.layout import Layout
from infra.local.cluster.shell import MachineError
from infra.local.credentials import write_private
from infra.local.processes import Processes
from infra.local.python_program import python_program
from infra.local.supervisord import Program

VERSION = KUBERNETES.removeprefix("v").rpartition(".")[0]
"""The one Kubernetes version this machine has the programs of."""
TOOLS = ("etcd", "kube-apiserver", "kube-controller-manager", "kube-scheduler", "kwok", controller.NAME)
REVIEWS = "/moto-api/eks"
"""Path of the server's that API servers ask whose a token is; `/moto-api` is what moto leaves to its server."""
PROGRAMS = (*TOOLS[:-1], "sandbox-controller", "agents")
"""Names of the programs of one cluster, after its own."""
PREFIX = "eks-"
"""What the names of all programs of clusters begin with."""
NODE_READY_S = 30
ACCESS_POLICIES = {
    f"arn:aws:eks::aws:cluster-access-policy/{policy}": role
    for policy, role in {
        "AmazonEKSClusterAdminPolicy": "cluster-admin",
        "AmazonEKSAdminPolicy": "admin",
        "AmazonEKSEditPolicy": "edit",
        "AmazonEKSViewPolicy": "view",
    }.items()
}
"""Access policies, and the ClusterRoles of Kubernetes that EKS says they match:
https://docs.aws.amazon.com/eks/latest/userguide/access-policy-permissions.html"""


@dataclass(frozen=True)
class Identity:
    """A cluster among all of this AWS."""

    account: str
    region: str
    name: str

    @property
    def key(self) -> str:
        """A name for files and programs."""
        return f"{self.region}.{self.name}"

    @property
    def review_path(self) -> str:
        """Where its API server asks whose a token is."""
        return f"{REVIEWS}/{self.account}/{self.region}/{quote(self.name)}/token-review"


@dataclass(frozen=True)
class Access:
    """How a cluster is reached: the API server's URL, and the authority it proves itself by, PEM in base64."""

    endpoint: str
    authority: str


class Host(Protocol):
    """What runs clusters."""

    def start(self, cluster: Identity, services: IPv4Network, data_key: bytes | None) -> Access:
        """Bring a control plane up; Secrets are encrypted with the key. Raises MachineError, ProcessError."""

    def stop(self, cluster: Identity) -> None:
        """Stop everything of the cluster, and remove what it kept."""

    def join(self, cluster: Identity, nodes: Sequence[dict[str, Any]]) -> None:
        """Have nodes, as objects with their status, and wait until all are Ready. Raises MachineError."""

    def leave(self, cluster: Identity, names: Sequence[str]) -> None:
        """Take nodes away."""

    def install(self, cluster: Identity, objects: Mapping[str, dict[str, Any]]) -> None:
        """Have objects, by their API paths."""

    def uninstall(self, cluster: Identity, paths: Iterable[str]) -> None:
        """Take objects away."""

    def stop_all(self) -> None:
        """Stop every cluster."""


_host: list[Host] = []


def configure(host: Host | None) -> None:
    """Say what runs this server's clusters, None for nothing."""
    _host[:] = [] if host is None else [host]


def current() -> Host:
    """What runs this server's clusters. Raises MachineError where nothing does."""
    if not _host:
        raise MachineError("this server hosts no clusters: start it with --clusters, --slot and --tools")
    return _host[0]


def stop_all() -> None:
    """Stop every cluster, if anything runs them."""
    for host in _host:
        host.stop_all()


class MachineHost:
    """Runs clusters on this machine.

    `state` is the region's state folder, whose supervisor keeps the programs; `slot` gives them ports; `server` is the
    URL of the AWS that API servers ask.
    """

    def __init__(self, state: Path, slot: int, tools: Mapping[str, Path], server: str) -> None:
        self.state, self.slot, self.tools, self.server = state.resolve(), slot, tools, server
        self._planes: dict[Identity, ControlPlane] = {}
        self._lock = threading.Lock()
        self._folder = self.state / "eks"
        self.stop_all()  # what another process of this server left: it died with its record

    def start(self, cluster: Identity, services: IPv4Network, data_key: bytes | None) -> Access:
        """As Host says."""
        plane = self._plan(cluster, services, data_key)
        admin = self._admin(plane.credentials)
        processes = Processes(self.state)
        webhook = _write_webhook(plane.layout, self.server + cluster.review_path)
        processes.start([self._own(cluster, plane.etcd())])
        processes.start([self._own(cluster, plane.apiserver(admin, advertise=False, token_webhook=webhook))])
        controllers = [self._own(cluster, one) for one in (plane.controller_manager(), plane.scheduler())]
        processes.begin(controllers)
        with self._api(plane) as api:
            for path, body in {**rbac.build_objects(), **build_policy_bindings()}.items():
                api.apply(path, body)
        processes.start([*controllers, *(self._own(cluster, one) for one in self._nodes_programs(cluster, plane))])
        return Access(plane.server, b64encode(plane.credentials.authority.pair.certificate.read_bytes()).decode())

    def stop(self, cluster: Identity) -> None:
        """As Host says."""
        Processes(self.state).stop(*(self._name(cluster, program) for program in PROGRAMS))
        shutil.rmtree(self._folder / cluster.key, ignore_errors=True)
        with self._lock:
            self._planes.pop(cluster, None)

    def join(self, cluster: Identity, nodes: Sequence[dict[str, Any]]) -> None:
        """As Host says."""
        with self._api(self._planes[cluster]) as api:
            at = {f"/api/v1/nodes/{node['metadata']['name']}": node for node in nodes}
            for path, node in at.items():
                api.apply(path, {field: value for field, value in node.items() if field != "status"})
            for path, node in at.items():
                _await_ready(api, path)
                # Only now: kwok makes up what a node has when it makes it Ready, whatever is said there meanwhile.
                api.apply(f"{path}/status", {field: node[field] for field in ("apiVersion", "kind", "status")})

    def leave(self, cluster: Identity, names: Sequence[str]) -> None:
        """As Host says."""
        with self._api(self._planes[cluster]) as api:
            for name in names:
                api.delete(f"/api/v1/nodes/{name}")

    def install(self, cluster: Identity, objects: Mapping[str, dict[str, Any]]) -> None:
        """As Host says."""
        with self._api(self._planes[cluster]) as api:
            for path, body in objects.items():
                api.apply(path, body)

    def uninstall(self, cluster: Identity, paths: Iterable[str]) -> None:
        """As Host says."""
        with self._api(self._planes[cluster]) as api:
            for path in paths:
                api.delete(path)

    def stop_all(self) -> None:
        """As Host says."""
        processes = Processes(self.state)
        processes.stop(*(one.name for one in processes.status() if one.name.startswith(PREFIX)))
        shutil.rmtree(self._folder, ignore_errors=True)
        with self._lock:
            self._planes.clear()

    def _plan(self, cluster: Identity, services: IPv4Network, data_key: bytes | None) -> ControlPlane:
        lacking = [name for name in TOOLS if name not in self.tools]
        if lacking:
            raise MachineError(f"{cluster.name}: this machine lacks {', '.join(lacking)}")
        with self._lock:
            taken = {plane.addresses.port(0) for plane in self._planes.values()}
            rooms = (HostedAddresses(self.slot, number, services) for number in range(CLUSTERS))
            addresses = next((room for room in rooms if room.port(0) not in taken), None)
            if addresses is None:
                raise MachineError(f"{cluster.name}: this machine has room for {CLUSTERS} clusters, and no more")
            layout = Layout(self._folder / cluster.key)
            layout.certificates.mkdir(parents=True, exist_ok=True, mode=0o700)
            if data_key is not None:
                write_private(layout.certificates / "encryption.yaml", yaml.safe_dump(build_config(data_key)))
            plane = ControlPlane(self.tools, layout, addresses, make_credentials(layout, addresses), LOOPBACK)
            self._planes[cluster] = plane
            return plane

    def _own(self, cluster: Identity, program: Program) -> Program:
        return replace(program, name=self._name(cluster, program.name))

    def _name(self, cluster: Identity, program: str) -> str:
        return f"{PREFIX}{cluster.key}-{program}"

    def _nodes_programs(self, cluster: Identity, plane: ControlPlane) -> list[Program]:
        """What plays the nodes, what stands for the programs on each, and the controller of Sandboxes."""
        agents = plane.kubeconfig(rbac.NODE_AGENTS)
        arguments = [f"--kubeconfig={agents}", f"--aws={self.server}", f"--region={cluster.region}"]
        return [
            simulated.build_program(plane.tools, plane.addresses, plane.kubeconfig(rbac.KWOK)),
            simulated.build_sandbox_controller(plane.tools, plane.addresses, plane.kubeconfig(rbac.SANDBOXES)),
            python_program("agents", "infra.local.aws.eks.agents", arguments, files=[agents]),
        ]

    def _admin(self, credentials: Credentials) -> Any:
        return credentials.authority.client("moltghost:admin", ADMINISTRATORS)

    def _api(self, plane: ControlPlane) -> Api:
        authority = plane.credentials.authority.pair.certificate
        return Api(plane.server, authority, self._admin(plane.credentials))


def policy_group(policy: str) -> str:
    """The Kubernetes group that stands for an access policy."""
    return f"eks:access-policy:{policy.rpartition('/')[2]}"


def build_policy_bindings() -> dict[str, dict[str, Any]]:
    """What gives each access policy's group the rights of its role, by API path.

    EKS judges access policies beside RBAC, by a webhook of its own: in RBAC none of this is seen there.
    """
    api = "rbac.authorization.k8s.io"
    bindings = {}
    for policy, role in ACCESS_POLICIES.items():
        group = policy_group(policy)
        bindings[f"/apis/{api}/v1/clusterrolebindings/{group}"] = {
            "apiVersion": f"{api}/v1",
            "kind": "ClusterRoleBinding",
            "metadata": {"name": group},
            "subjects": [{"apiGroup": api, "kind": "Group", "name": group}],
            "roleRef": {"apiGroup": api, "kind": "ClusterRole", "name": role},
        }
    return bindings


def _write_webhook(layout: Layout, url: str) -> Path:
    """The kubeconfig by which the API server asks whose a token is."""
    path = layout.certificates / "token-webhook.yaml"
    config = {
        "apiVersion": "v1",
        "kind": "Config",
        "clusters": [{"name": "tokens", "cluster": {"server": url}}],
        "contexts": [{"name": "tokens", "context": {"cluster": "tokens", "user": ""}}],
        "current-context": "tokens",
    }
    write_private(path, yaml.safe_dump(config))
    return path


def _await_ready(api: Api, path: str) -> None:
    deadline = time.monotonic() + NODE_READY_S
    while True:
        conditions = ((api.get(path) or {}).get("status") or {}).get("conditions") or []
        if any((one["type"], one["status"]) == ("Ready", "True") for one in conditions):
            return
        if time.monotonic() > deadline:
            raise MachineError(f"{path} is not Ready after {NODE_READY_S} s: {json.dumps(conditions)}")
        time.sleep(0.1)
