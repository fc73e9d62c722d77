"""What stacks put into one cluster, as facts."""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from typing import Any

from infra.prove.addresses import NOT_GLOBAL, Addresses, networks
from infra.prove.declared import Declared, Findings, cluster_of, listed, mapping, required
from infra.prove.network_policies import NetworkPolicy, read_policy
from infra.prove.pods import Workload
from infra.prove.ports import Named
from infra.prove.problems import UnmodelledError
from infra.prove.selectors import read_labels
from policies.record import Resource
from runtime.contract import labels

_TEMPLATES: Mapping[str, tuple[str, ...]] = {
    "kubernetes:core/v1:Pod": (),
    "kubernetes:agents.x-k8s.io/v1beta1:Sandbox": ("spec", "podTemplate"),
    "kubernetes:apps/v1:Deployment": ("spec", "template"),
    "kubernetes:apps/v1:DaemonSet": ("spec", "template"),
    "kubernetes:apps/v1:StatefulSet": ("spec", "template"),
    "kubernetes:apps/v1:ReplicaSet": ("spec", "template"),
    "kubernetes:batch/v1:Job": ("spec", "template"),
    "kubernetes:batch/v1:CronJob": ("spec", "jobTemplate", "spec", "template"),
}
"""Where each kind that makes pods keeps their template."""

POD_KINDS = frozenset(_TEMPLATES)
_POD_RANGE = "cluster-pool-ipv4-cidr"
"""Where Cilium's configuration says which addresses pods have."""


@dataclass(slots=True)
class PodFacts:
    """Pods of one template: what the network knows of them, and by what they leave their box.

    `of_node` are the names of volumes that are files of their node's, `privileged` the fields that let them out.
    """

    workload: Workload
    of_node: tuple[str, ...]
    privileged: tuple[str, ...]


@dataclass
class Cluster:
    """One cluster. `spaces` are labels by namespace, `declared_by` the URN that declares each."""

    name: str
    pod_range: Addresses = NOT_GLOBAL
    spaces: dict[str, Mapping[str, str]] = field(default_factory=dict)
    declared_by: dict[str, str] = field(default_factory=dict)
    pods: list[PodFacts] = field(default_factory=list)
    policies: list[NetworkPolicy] = field(default_factory=list)
    agents_lists: dict[str, str] = field(default_factory=dict)
    """Of which agent a policy says it is the egress list, by the policy's URN."""
    objects: list[Resource] = field(default_factory=list)

    def tenant(self, space: str | None) -> str | None:
        """The tenant a namespace is for."""
        return self.spaces.get(space or "", {}).get(labels.TENANT)


def read_clusters(declared: Declared, findings: Findings) -> list[Cluster]:
    """Every cluster of the stacks."""
    clusters: dict[str, Cluster] = {}
    for type_, resources in declared.types.items():
        if not type_.startswith("kubernetes:"):
            continue
        for each in resources:
            try:
                name = cluster_of(each)
                cluster = clusters.get(name) or clusters.setdefault(name, Cluster(name))
                if type_ not in POD_KINDS:
                    _read(cluster, each, findings)
            except UnmodelledError as error:
                findings.unmodelled.add(error.what)
    for type_ in POD_KINDS:  # their addresses are those of the cluster's configuration
        for each in declared.of(type_):
            try:
                cluster = clusters[cluster_of(each)]
                cluster.pods.append(_read_pods(each, type_, cluster.pod_range))
            except UnmodelledError as error:
                findings.unmodelled.add(error.what)
    return [clusters[name] for name in sorted(clusters)]


def _read(cluster: Cluster, resource: Resource, findings: Findings) -> None:
    urn, metadata = resource.urn, mapping(resource.inputs.get("metadata"), resource.urn, "metadata")
    match resource.type:
        case "kubernetes:core/v1:Namespace":
            name = required(metadata.get("name"), urn, "metadata.name")
            if name in cluster.spaces:
                findings.missed(urn, "metadata.name", f"{name} is declared by {cluster.declared_by[name]} too")
            cluster.spaces[name] = read_labels(metadata.get("labels"), urn, "metadata.labels")
            cluster.declared_by[name] = urn
        case "kubernetes:networking.k8s.io/v1:NetworkPolicy":
            cluster.policies.append(read_policy(urn, resource.inputs))
            own = read_labels(metadata.get("labels"), urn, "metadata.labels")
            if labels.AGENT in own:
                cluster.agents_lists[urn] = own[labels.AGENT]
        case "kubernetes:core/v1:ConfigMap":
            data = resource.inputs.get("data")
            if isinstance(data, Mapping) and _POD_RANGE in data:
                cidrs = required(data[_POD_RANGE], urn, f"data.{_POD_RANGE}").split()
                cluster.pod_range = networks(cidrs)
        case _:
            cluster.objects.append(resource)


def _read_pods(resource: Resource, type_: str, pod_range: Addresses) -> PodFacts:
    urn, found = resource.urn, resource.inputs
    for step in _TEMPLATES[type_]:
        found = mapping(found.get(step), urn, step)
    place = mapping(resource.inputs.get("metadata"), urn, "metadata").get("namespace", "default")
    spec = mapping(found.get("spec"), urn, "template.spec")
    held = mapping(found.get("metadata"), urn, "template.metadata").get("labels")
    containers = listed(spec.get("containers"), urn, "spec.containers")
    if more := spec.get("initContainers"):
        containers = [*containers, *listed(more, urn, "spec.initContainers")]
    if not containers:
        raise UnmodelledError(urn, "spec.containers", "is not known")
    named, privileged = _of_containers(urn, containers)
    workload = Workload(
        resource.name,
        urn,
        place if type(place) is str else required(place, urn, "metadata.namespace"),
        read_labels(held, urn, "template.metadata.labels"),
        pod_range,
        named,
        False,
        bool(spec.get("hostNetwork")),
    )
    if not spec.keys().isdisjoint(_HOST_FLAGS):
        privileged = (*privileged, *(flag for flag in _HOST_FLAGS if spec.get(flag)))
    return PodFacts(workload, _of_node(urn, spec.get("volumes")), privileged)


_HOST_FLAGS = ("hostNetwork", "hostPID", "hostIPC")


def _of_node(urn: str, volumes: Any) -> tuple[str, ...]:
    """The volumes that are files of the pods' node, by name."""
    names: tuple[str, ...] = ()
    for each in listed(volumes, urn, "spec.volumes"):
        if "hostPath" in mapping(each, urn, "spec.volumes"):
            names = (*names, str(each.get("name")))
    return names


def _of_containers(urn: str, containers: Sequence[Any]) -> tuple[Named, tuple[str, ...]]:
    """Ports that have a name, and what takes a container out of the box it is in."""
    named: list[tuple[str, str, int]] = []
    privileged: tuple[str, ...] = ()
    for each in containers:
        container = mapping(each, urn, "spec.containers")
        for port in listed(container.get("ports"), urn, "spec.containers.ports"):
            name = port.get("name")
            if type(name) is str:
                named.append((name, port.get("protocol") or "TCP", port["containerPort"]))
            if port.get("hostPort"):
                privileged = (*privileged, "hostPort")
        if mapping(container.get("securityContext"), urn, "spec.containers.securityContext").get("privileged"):
            privileged = (*privileged, "privileged")
    return _as_named(tuple(named)), privileged


@cache
def _as_named(ports: tuple[tuple[str, str, int], ...]) -> Named:
    """The same set for the same ports: most pods are made of few templates."""
    return frozenset(ports)


def read_of_pods(clusters: Iterable[Cluster]) -> dict[str, object]:
    """What of each pods' template a proof reads, by URN; nothing of those that could not be read."""

    @cache
    def shared(space: str | None, named: Named, *rest: object) -> str:
        return json.dumps([space, sorted(named), rest])

    return {
        of.urn: (shared(of.namespace, of.named, of.on_host, each.of_node, each.privileged), of.labels)
        for cluster in clusters
        for each in cluster.pods
        for of in (each.workload,)
    }
