"""The machine a stack lands on: a cluster and the clouds' stand-ins, supervised, on loopback and in own namespaces."""

import fcntl
import json
import os
import shutil
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from enum import StrEnum
from functools import cached_property
from pathlib import Path
from typing import Any

from components.cluster import controller
from components.cluster.spec import PLATFORM_NAMESPACE
from infra.local import packages
from infra.local.aws.eks import hosting
from infra.local.cluster import containerd, netns, rbac, simulated
from infra.local.cluster.addresses import WORLD_ADDRESSES, Addresses
from infra.local.cluster.cluster import Cluster
from infra.local.cluster.containerd import ImageArchive
from infra.local.cluster.control_plane import LOOPBACK
from infra.local.cluster.layout import Layout
from infra.local.cluster.shell import MachineError
from infra.local.credentials import write_private
from infra.local.orphans import other_instances
from infra.local.probes import http_serves, tcp_listens
from infra.local.processes import ProcessStatus
from infra.local.python_program import python_program
from infra.local.supervisord import Program
from runtime.contract import ports

Progress = Callable[[str], None]

RECORD = "instance.json"
GATEWAY_SERVICE = "gateway"
CONTROL_PLANE_TOOLS = ("etcd", "kube-apiserver", "kube-controller-manager", "kube-scheduler")
REAL_NODE_TOOLS = (*containerd.TOOLS, "kubelet", "kube-proxy", "kube-router")
SIMULATED_NODE_TOOLS = ("kwok", controller.NAME)


class Mode(StrEnum):
    """What the stack's pods run on."""

    REAL = "real"
    """A kubelet of our own: pods run, NetworkPolicy is enforced. Needs root."""
    SIMULATED = "simulated"
    """kwok: pods are only shown as running."""
    CLOUDS = "clouds"
    """No cluster but those that stacks make on EKS; their nodes are kwok's."""
    GIVEN = "given"
    """The cluster the user's KUBECONFIG points at."""


AUTO = "auto"


@dataclass(frozen=True)
class MachineInfo:
    """Where to find what runs. The namespaces are None unless the node is real."""

    mode: Mode
    kubeconfig: Path
    node_netns: str | None
    world_netns: str | None
    world_addresses: tuple[str, ...]
    aws_endpoint: str
    cloudflare_endpoint: str
    edge_url: str
    gateway_origin: str
    tunnel_source: str


class Machine:
    """The machine of one state folder. Raises MachineError for what cannot be brought up, with the remedy."""

    def __init__(self, state: Path, slot: int = 0, mode: str = AUTO) -> None:
        self.layout = Layout(state.resolve())
        self.addresses = Addresses(slot)
        self._asked = mode

    @cached_property
    def mode(self) -> Mode:
        """As asked for; else what runs already; else what this user can have."""
        recorded = self._record()
        if self._asked != AUTO:
            return Mode(self._asked)
        if recorded:
            return Mode(recorded["mode"])
        if given_kubeconfig(os.environ, self.layout.state):
            return Mode.GIVEN
        return Mode.REAL if os.geteuid() == 0 else Mode.SIMULATED

    @property
    def runs_pods(self) -> bool:
        """Whether pods really run."""
        return self.mode not in (Mode.SIMULATED, Mode.CLOUDS)

    @property
    def limits(self) -> str:
        """What this mode leaves out, for people; empty when nothing."""
        return "" if self.runs_pods else simulated.LIMITS

    @property
    def tools(self) -> tuple[str, ...]:
        """Names of the programs `up` wants."""
        if self.mode is Mode.GIVEN:
            return ()
        return CONTROL_PLANE_TOOLS + (REAL_NODE_TOOLS if self.mode is Mode.REAL else SIMULATED_NODE_TOOLS)

    @property
    def kubeconfig(self) -> Path:
        """The administrator's kubeconfig."""
        if self.mode is not Mode.GIVEN:
            return self.layout.kubeconfig
        given = self._record().get("kubeconfig") or given_kubeconfig(os.environ, self.layout.state)
        if not given:
            raise MachineError("KUBECONFIG: names no file; set it to the kubeconfig of the cluster to use")
        return Path(given)

    def ensure_packages(self, progress: Progress) -> None:
        """Install the system packages a real node needs."""
        if self.mode is Mode.REAL:
            packages.ensure_packages(packages.NODE, progress)

    def up(self, tools: Mapping[str, Path], images: Mapping[str, ImageArchive], progress: Progress) -> MachineInfo:
        """Bring everything up that doesn't run yet; safe to repeat, also after an interruption at any moment."""
        with self._lock():
            self._require_own_slot()
            self._require_free_slot()
            self._write_record()
            if self.limits:
                progress(self.limits)
            processes = self.cluster.processes
            if self.mode is Mode.GIVEN:
                processes.start([*self._clouds(tools), self._tunnel(self.kubeconfig)])
                return self.info()
            if self.mode is Mode.CLOUDS:
                processes.start(self._clouds(tools))
                return self.info()
            plane = self.cluster.start(tools, list(images.values()), progress)
            progress("starting what stands for the clouds")
            # The addresses of simulated pods are nobody's: nothing may be sent there.
            tunnel = [self._tunnel(plane.kubeconfig(rbac.TUNNEL))] if self.runs_pods else []
            processes.start([*self._clouds(tools), *tunnel])
            return self.info()

    def down(self) -> None:
        """Stop everything and remove all that was made, the state folder included; safe to repeat."""
        with self._lock():
            self._require_own_slot()
            if self._slot_holder():  # nothing of this slot is ours, whatever the state folder says
                self.cluster.processes.shutdown()
            else:
                self.cluster.remove()
            recorded = bool(self._record())
            (self.layout.state / "lock").unlink()
            if recorded:
                shutil.rmtree(self.layout.state)
            elif not any(self.layout.state.iterdir()):
                self.layout.state.rmdir()

    def status(self) -> list[ProcessStatus]:
        """Every program: name, state, pid, log, address."""
        return self.cluster.processes.status()

    def info(self) -> MachineInfo:
        """Where to find what runs."""
        here, real = self.addresses, self.mode is Mode.REAL
        return MachineInfo(
            mode=self.mode,
            kubeconfig=self.kubeconfig,
            node_netns=here.node_netns if real else None,
            world_netns=here.world_netns if real else None,
            world_addresses=WORLD_ADDRESSES if real else (),
            aws_endpoint=f"http://{LOOPBACK}:{here.aws}",
            cloudflare_endpoint=f"http://{LOOPBACK}:{here.cloudflare}",
            edge_url=f"http://{LOOPBACK}:{here.edge}",
            gateway_origin=f"http://{LOOPBACK}:{here.tunnel}",
            tunnel_source=f"{here.host}/32",
        )

    def in_world(self, argv: Sequence[str]) -> list[str]:
        """The command line that runs `argv` in the namespace that plays the outside world."""
        return netns.enter(self.addresses.world_netns, argv)

    def in_node(self, argv: Sequence[str]) -> list[str]:
        """The command line that runs `argv` in the node's network namespace."""
        return netns.enter(self.addresses.node_netns, argv)

    @cached_property
    def cluster(self) -> Cluster:
        """The cluster of this machine."""
        return Cluster(self.layout, self.addresses, real=self.mode is Mode.REAL)

    def _clouds(self, tools: Mapping[str, Path]) -> list[Program]:
        aws, cloudflare = self.addresses.aws, self.addresses.cloudflare
        hosted = {name: str(path) for name, path in tools.items() if name in hosting.TOOLS}
        clusters = [
            f"--clusters={self.layout.state}",
            f"--slot={self.addresses.slot}",
            f"--tools={json.dumps(hosted, sort_keys=True)}",
        ]
        moto = python_program(
            "aws",
            "infra.local.aws",
            ["-H", LOOPBACK, "-p", str(aws), *clusters],
            env={"MOTO_IAM_LOAD_MANAGED_POLICIES": "true"},  # roles of clusters and nodes are given AWS's own policies
            ready=http_serves(f"http://{LOOPBACK}:{aws}/moto-api/data.json"),
            address=f"http://{LOOPBACK}:{aws} (in memory)",
        )
        edge = python_program(
            "cloudflare",
            "infra.local.cloudflare",
            [f"--state={self.layout.state}", f"--api-port={cloudflare}", f"--worker-port={self.addresses.edge}"],
            ready=http_serves(f"http://{LOOPBACK}:{cloudflare}/healthz"),
            address=f"http://{LOOPBACK}:{cloudflare} (Worker: {self.addresses.edge})",
        )
        return [moto, edge]

    def _tunnel(self, kubeconfig: Path) -> Program:
        port = self.addresses.tunnel
        arguments = [
            f"--kubeconfig={kubeconfig}",
            f"--listen={port}",
            f"--namespace={PLATFORM_NAMESPACE}",
            f"--service={GATEWAY_SERVICE}",
            f"--port={ports.GATEWAY}",
        ]
        listens = tcp_listens(LOOPBACK, port)
        address = f"http://{LOOPBACK}:{port}"
        return python_program(
            "tunnel", "infra.local.tunnel", arguments, files=[kubeconfig], ready=listens, address=address
        )

    def _slot_holder(self) -> Path | None:
        """The state folder of another running region with this slot."""
        others = other_instances(self.layout.state)
        return next((other for other in others if _read_record(other).get("slot") == self.addresses.slot), None)

    def _require_own_slot(self) -> None:
        slot = self._record().get("slot", self.addresses.slot)
        if slot != self.addresses.slot:
            raise MachineError(f"slot: {self.addresses.slot} is not that of the region in {self.layout.state}: {slot}")

    def _require_free_slot(self) -> None:
        if holder := self._slot_holder():
            raise MachineError(
                f"slot: {self.addresses.slot} is taken by the region in {holder}; stop that one, or choose another"
            )

    def _record(self) -> dict[str, Any]:
        return _read_record(self.layout.state)

    def _write_record(self) -> None:
        given = str(self.kubeconfig) if self.mode is Mode.GIVEN else None
        record = {"slot": self.addresses.slot, "mode": self.mode, "kubeconfig": given}
        write_private(self.layout.state / RECORD, json.dumps(record))

    @contextmanager
    def _lock(self) -> Iterator[None]:
        """Hold the state folder: a second `up` or `down` at the same time is an error."""
        self.layout.state.mkdir(parents=True, exist_ok=True)
        with (self.layout.state / "lock").open("w") as file:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError as held:
                raise MachineError(f"another command is at work on {self.layout.state}; wait for it to end") from held
            yield


def given_kubeconfig(environment: Mapping[str, str], state: Path) -> str | None:
    """The existing file KUBECONFIG names first, unless it is the region's own."""
    path = Path(environment.get("KUBECONFIG", "").partition(os.pathsep)[0] or os.devnull).resolve()
    return str(path) if path.is_file() and not path.is_relative_to(state) else None


def _read_record(state: Path) -> dict[str, Any]:
    try:
        record: dict[str, Any] = json.loads((state / RECORD).read_text())
    except (OSError, ValueError):
        return {}
    return record
