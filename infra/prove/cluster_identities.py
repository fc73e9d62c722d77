"""Claims on who may read what lies in a cluster: Secrets, pods, volumes."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from infra.prove.cluster import Cluster
from infra.prove.declared import Declared, Findings, listed, mapping
from infra.prove.problems import UnmodelledError
from infra.prove.verdict import IDENTITIES_APART, NOTHING_OUTSIDE, Breach, Hop
from policies.record import Resource

_RBAC = "kubernetes:rbac.authorization.k8s.io/v1:"
_EVERYONE = {"system:serviceaccounts", "system:authenticated", "system:unauthenticated"}
_READING = {"get", "list", "watch", "*"}
_POWERS = {"escalate", "bind", "impersonate", "*"}
_INSIDE = {
    "pods/exec",
    "pods/attach",
    "pods/portforward",
    "pods/ephemeralcontainers",
    "nodes/proxy",
    "serviceaccounts/token",
}

TRUSTED: Mapping[tuple[str, str], str] = {
    ("kube-system", "cilium"): "enforces every policy, as root on every node",
    ("kube-system", "cilium-operator"): "gives pods their addresses and identities, and writes Cilium's own policies",
    ("agent-sandbox-system", "agent-sandbox-controller"): "makes agents' pods, with what their templates name",
}
"""Accounts of the platform (namespace, name) that could come to a tenant's things, and why each has to."""


@dataclass(frozen=True)
class _Binding:
    urn: str
    space: str | None
    role_urn: str
    rules: tuple[tuple[int, Mapping[str, Any]], ...]
    subjects: tuple[Mapping[str, Any], ...]


def judge_cluster_identities(declared: Declared, cluster: Cluster, findings: Findings) -> None:
    """Judge what roles are bound to whom, volumes, and doors to the outside."""
    roles = {_key(each): each for each in cluster.objects if each.type in {f"{_RBAC}ClusterRole", f"{_RBAC}Role"}}
    for each in cluster.objects:
        try:
            if each.type in {f"{_RBAC}ClusterRoleBinding", f"{_RBAC}RoleBinding"}:
                findings.breaches |= set(_bound(cluster, _binding(each, roles), findings))
            elif each.type == "kubernetes:core/v1:PersistentVolume":
                findings.breaches |= set(_volume(declared, cluster, each))
            elif each.type == "kubernetes:core/v1:Service":
                findings.breaches |= set(_service(each))
        except UnmodelledError as error:
            findings.unmodelled.add(error.what)
    findings.breaches |= set(_mounted(cluster))
    findings.breaches |= set(_shared_volumes(cluster))


def _key(resource: Resource) -> tuple[str, str | None, str]:
    metadata = mapping(resource.inputs.get("metadata"), resource.urn, "metadata")
    kind = resource.type.rpartition(":")[2]
    space = metadata.get("namespace") if kind.startswith("Role") else None
    return kind, space, str(metadata.get("name"))


def _binding(resource: Resource, roles: Mapping[tuple[str, str | None, str], Resource]) -> _Binding:
    metadata = mapping(resource.inputs.get("metadata"), resource.urn, "metadata")
    space = metadata.get("namespace") if resource.type.endswith(":RoleBinding") else None
    ref = mapping(resource.inputs.get("roleRef"), resource.urn, "roleRef")
    kind, name = str(ref.get("kind")), str(ref.get("name"))
    role = roles.get((kind, space if kind == "Role" else None, name))
    if role is None:
        raise UnmodelledError(
            resource.urn, "roleRef.name", f"{name} is no role of these stacks: what it allows is not known"
        )
    rules = listed(role.inputs.get("rules"), role.urn, "rules")
    subjects = listed(resource.inputs.get("subjects"), resource.urn, "subjects")
    return _Binding(resource.urn, space, role.urn, tuple(enumerate(rules)), tuple(subjects))


def _bound(cluster: Cluster, binding: _Binding, findings: Findings) -> Iterator[Breach]:
    for at, subject in enumerate(binding.subjects):
        kind, name, place = subject.get("kind"), str(subject.get("name")), subject.get("namespace")
        start = Hop(f"{kind} {f'{place}/' if place else ''}{name}", binding.urn, f"subjects[{at}]")
        tenant = cluster.tenant(place if kind == "ServiceAccount" else name.removeprefix("system:serviceaccounts:"))
        if tenant is not None or (kind == "Group" and name in _EVERYONE):
            says = f"an identity of {tenant or 'every tenant'} has rights in the cluster"
            yield Breach(IDENTITIES_APART, says, (start, Hop("the role", binding.role_urn, "rules")))
            continue
        reached = binding.space is None or cluster.tenant(binding.space) is not None
        for number, rule in binding.rules if reached else ():
            why = _dangerous(binding.role_urn, number, rule)
            if why is None:
                continue
            if kind == "ServiceAccount" and (place, name) in TRUSTED:
                findings.assumptions.add(f"{cluster.name}: {place}/{name} is trusted: it {TRUSTED[str(place), name]}.")
                continue
            path = (start, Hop("the role", binding.role_urn, f"rules[{number}]", why))
            yield Breach(IDENTITIES_APART, f"{name} may come to what is tenants'", path)


def _dangerous(urn: str, number: int, rule: Any) -> str | None:
    """What of a rule leads to a tenant's secrets, pods or rights."""
    held = mapping(rule, urn, f"rules[{number}]")
    verbs, resources = set(held.get("verbs") or ()), set(held.get("resources") or ())
    groups = set(held.get("apiGroups") or ())
    if verbs & _POWERS:
        return f"may {', '.join(sorted(verbs & _POWERS))}"
    if "*" in resources or "*" in groups:
        return "on everything"
    if "" in groups and "secrets" in resources and verbs & (_READING | {"create", "update", "patch"}):
        return f"{', '.join(sorted(verbs))} on secrets"
    if "" in groups and (inside := resources & _INSIDE):
        return f"{', '.join(sorted(verbs))} on {', '.join(sorted(inside))}"
    makers = {"pods", "deployments", "daemonsets", "statefulsets", "replicasets", "jobs", "cronjobs", "sandboxes"}
    if (makes := resources & makers) and verbs & {"create"}:
        return f"makes {', '.join(sorted(makes))}, and with them mounts what it likes"
    if "networkpolicies" in resources and verbs - {"get", "list", "watch"}:
        return f"{', '.join(sorted(verbs))} on networkpolicies"
    return None


def _volume(declared: Declared, cluster: Cluster, resource: Resource) -> Iterator[Breach]:
    """A volume in a bucket is its owner's, or read-only and nobody's."""
    spec = mapping(resource.inputs.get("spec"), resource.urn, "spec")
    space = mapping(spec.get("claimRef"), resource.urn, "spec.claimRef").get("namespace")
    csi = mapping(spec.get("csi"), resource.urn, "spec.csi")
    if not csi:
        raise UnmodelledError(resource.urn, "spec", "is a volume of a kind that is not modelled")
    bucket = mapping(csi.get("volumeAttributes"), resource.urn, "spec.csi.volumeAttributes").get("bucketName")
    tenant = cluster.tenant(space)
    owner = next(
        (declared.owner(each) for each in declared.of("aws:s3/bucket:Bucket") if each.inputs.get("bucket") == bucket),
        None,
    )
    start = Hop(f"pods of {space}", resource.urn, "spec.csi.volumeAttributes.bucketName")
    if owner is not None and owner != tenant:
        yield Breach(IDENTITIES_APART, f"{tenant} mounts the bucket of {owner}", (start, Hop(f"bucket {bucket}")))
    elif owner is None and (csi.get("readOnly") is not True or "read-only" not in (spec.get("mountOptions") or ())):
        says = f"{tenant} may write to a bucket that is not its own"
        yield Breach(IDENTITIES_APART, says, (start, Hop(f"bucket {bucket}, which others read")))


def _shared_volumes(cluster: Cluster) -> Iterator[Breach]:
    """A claim names a volume that is kept for another namespace's."""
    volumes = {
        str(mapping(each.inputs.get("metadata"), each.urn, "metadata").get("name")): each
        for each in cluster.objects
        if each.type == "kubernetes:core/v1:PersistentVolume"
    }
    for each in cluster.objects:
        if each.type != "kubernetes:core/v1:PersistentVolumeClaim":
            continue
        space = mapping(each.inputs.get("metadata"), each.urn, "metadata").get("namespace")
        volume = volumes.get(str(mapping(each.inputs.get("spec"), each.urn, "spec").get("volumeName")))
        if volume is None:
            continue
        kept = mapping(mapping(volume.inputs.get("spec"), volume.urn, "spec").get("claimRef"), volume.urn, "claimRef")
        if cluster.tenant(kept.get("namespace")) != cluster.tenant(space):
            path = (
                Hop(f"pods of {space}", each.urn, "spec.volumeName"),
                Hop("the volume", volume.urn, "spec.claimRef"),
            )
            yield Breach(IDENTITIES_APART, "a claim takes another tenant's volume", path)


def _mounted(cluster: Cluster) -> Iterator[Breach]:
    """A tenant's pods mount what Kubernetes keeps in their own namespace, and nothing of their node."""
    for each in cluster.pods:
        if each.of_node and (tenant := cluster.tenant(each.workload.namespace)) is not None:
            for name in each.of_node:
                path = (Hop(f"pods of {tenant}", each.workload.urn, f"volumes.{name}"), Hop("their node's files"))
                yield Breach(IDENTITIES_APART, f"{tenant} mounts its node's files, and so every tenant's there", path)


def _service(resource: Resource) -> Iterator[Breach]:
    spec = mapping(resource.inputs.get("spec"), resource.urn, "spec")
    if spec.get("type", "ClusterIP") != "ClusterIP" or spec.get("externalIPs"):
        says = f"a Service has an address outside the cluster: {spec.get('type')}"
        yield Breach(NOTHING_OUTSIDE, says, (Hop("the Internet"), Hop("the Service", resource.urn, "spec.type")))
