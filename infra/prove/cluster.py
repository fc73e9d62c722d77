"""What stacks put into one cluster, as facts."""

from collections.abc import Mapping
from dataclasses import dataclass, field
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
    """Pods of one template: what the network knows of them, and what they hold beside it."""

    workload: Workload
    account: str
    volumes: tuple[Mapping[str, Any], ...]
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
    containers = list(listed(spec.get("containers"), urn, "spec.containers"))
    if more := spec.get("initContainers"):
        containers += listed(more, urn, "spec.initContainers")
    if not containers:
        raise UnmodelledError(urn, "spec.containers", "is not known")
    named, privileged = _of_containers(urn, containers)
    on_host = spec.get("hostNetwork")
    workload = Workload(
        name=resource.name,
        urn=urn,
        namespace=place if type(place) is str else required(place, urn, "metadata.namespace"),
        labels=read_labels(held, urn, "template.metadata.labels"),
        addresses=pod_range,
        named=named,
        on_host=bool(on_host),
    )
    privileged += [flag for flag in _HOST_FLAGS if spec.get(flag)]
    volumes = tuple([mapping(each, urn, "spec.volumes") for each in listed(spec.get("volumes"), urn, "spec.volumes")])
    return PodFacts(workload, str(spec.get("serviceAccountName") or "default"), volumes, tuple(privileged))


_HOST_FLAGS = ("hostNetwork", "hostPID", "hostIPC")


def _of_containers(urn: str, containers: list[Any]) -> tuple[Named, list[str]]:
    """Ports that have a name, and what takes a container out of the box it is in."""
    named: set[tuple[str, str, int]] = set()
    privileged: list[str] = []
    for each in containers:
        container = mapping(each, urn, "spec.containers")
        for port in listed(container.get("ports"), urn, "spec.containers.ports"):
            name = port.get("name")
            if type(name) is str:
                named.add((name, port.get("protocol") or "TCP", port["containerPort"]))
            if port.get("hostPort"):
                privileged.append("hostPort")
        if mapping(container.get("securityContext"), urn, "spec.containers.securityContext").get("privileged"):
            privileged.append("privileged")
    return frozenset(named), privileged


def read_of(resource: Resource) -> object:
    """What of a resource a proof reads: of pods' templates what `_read_pods` does, of everything else the whole."""
    if resource.type not in POD_KINDS:
        return resource.inputs
    found: Any = resource.inputs
    for step in _TEMPLATES[resource.type]:
        found = found.get(step) if isinstance(found, Mapping) else None
    try:
        spec, place = found["spec"], resource.inputs["metadata"]
        read = [place.get("namespace"), found["metadata"].get("labels"), spec.get("serviceAccountName")]  # type: ignore[union-attr]
        read += [spec.get(flag) for flag in _HOST_FLAGS]
        read += [each for each in spec.get("volumes") or () if "hostPath" in each]
        for field in ("containers", "initContainers"):
            for each in spec.get(field) or ():
                read += (each.get("ports"), (each.get("securityContext") or {}).get("privileged"))
    except (AttributeError, KeyError, TypeError):
        return resource.inputs  # something of it is not known
    return read
